// Reading the WAL objects, several at a time, in the order of keys.
#include <algorithm>

#include "core/base/parallel_for.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/archive/wal_listing.h"
#include "core/repo/layout.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/verify/wal_verify.h"

namespace pitr {
namespace {

constexpr size_t kBatch = 512;

class WalReaders {
 public:
  explicit WalReaders(VerifyShared& shared) : shared_(shared) {}

  // In ascending order.
  Status Add(const ObjectInfo& object) {
    const bool known = layout::WalNameOfKey(object.key) || layout::ParsePartialSegmentKey(object.key);
    if (!known || object.key <= shared_.resumed.wal_done) return Status::Ok();
    batch_.push_back(object);
    return batch_.size() < kBatch ? Status::Ok() : Flush();
  }

  Status Flush() {
    std::vector<Outcome> outcomes(batch_.size());
    Status status = ParallelFor(shared_.options.jobs, batch_.size(), shared_.ctx, [&](size_t index, int) {
      PITR_TRY(Check(batch_[index], outcomes[index]));
      Advance(outcomes);
      return Status::Ok();
    });
    batch_.clear();
    prefix_ = 0;
    return status;
  }

 private:
  struct Outcome {
    bool done = false;
    bool listed = true;
    uint64_t bytes_read = 0;
  };

  Status Check(const ObjectInfo& object, Outcome& outcome) {
    Outcome mine;
    mine.done = true;
    if (shared_.Chosen(object.key, 0)) PITR_TRY(ReadObject(object, mine));
    std::lock_guard lock(mutex_);
    outcome = mine;
    return Status::Ok();
  }

  Status ReadObject(const ObjectInfo& object, Outcome& outcome) {
    PITR_TRY(shared_.rate.Acquire(object.size, shared_.ctx));
    const auto ignore = [](ByteView) { return Status::Ok(); };
    const auto partial = ParsePartialSegment(shared_.repository, object.key);
    Status read =
        partial ? StreamPartialSegment(shared_.repository, *partial, ignore, shared_.ctx)
                : StreamWalFile(shared_.repository, layout::WalNameOfKey(object.key).value_or(""), ignore, shared_.ctx);
    shared_.progress.bytes_done.fetch_add(object.size, std::memory_order_relaxed);
    outcome.bytes_read = object.size;
    if (read.ok()) return Status::Ok();
    if (read.code() == Code::kNotFound) {  // removed since it was listed; the chains tell whether it is needed
      outcome.listed = false;
      return Status::Ok();
    }
    PITR_ASSIGN(Finding finding, FindingOf(shared_.repository.store(), object.key, std::move(read), shared_.ctx));
    finding.hint =
        finding.severity == Severity::kDamage
            ? "Put the object back from a copy of the repository; if the file is still in a server's pg_wal, "
              "delete the object and push the file with pg_pitr wal-push."
            : finding.hint;
    shared_.findings.Add(std::move(finding));
    return Status::Ok();
  }

  void Advance(const std::vector<Outcome>& outcomes) {
    {
      std::lock_guard lock(mutex_);
      shared_.journal.Update([&](VerifyRecord& record) {
        for (; prefix_ < outcomes.size() && outcomes[prefix_].done; ++prefix_) {
          const Outcome& outcome = outcomes[prefix_];
          record.wal_done = batch_[prefix_].key;
          if (!outcome.listed) continue;
          record.wal.objects += 1;
          record.wal.bytes += batch_[prefix_].size;
          record.wal.objects_read += outcome.bytes_read > 0 ? 1 : 0;
          record.wal.bytes_read += outcome.bytes_read;
        }
      });
    }
    shared_.journal.Tick(shared_.ctx);
  }

  VerifyShared& shared_;
  std::vector<ObjectInfo> batch_;
  std::mutex mutex_;
  size_t prefix_ = 0;  // of the batch; protected by mutex_
};

// The segments that one backup needs; what is missing is left to the chains.
Status AddSegmentsOf(VerifyShared& shared, const WalCatalog& wal, const BackupManifest& backup, WalReaders& readers) {
  const WalPath path = PathOfBackup(wal, backup, shared.repository.segment_size());
  for (const WalSpan& span : path.Spans(FirstSegment(backup), LastSegment(backup)))
    PITR_TRY(ListSegments(shared.repository, {span.timeline, span.first, span.last}, shared.ctx,
                          [&](SegmentNo, const ObjectInfo& object) { return readers.Add(object); }));
  return Status::Ok();
}

Status CheckChangeMap(VerifyShared& shared, const ObjectInfo& object) {
  PITR_TRY(shared.rate.Acquire(object.size, shared.ctx));
  Status read = LoadChangeMap(shared.repository, *layout::SegmentOfChangeMapKey(object.key), shared.ctx).status();
  if (read.ok() || read.code() == Code::kNotFound) return Status::Ok();  // removed since it was listed
  PITR_ASSIGN(Finding finding, FindingOf(shared.repository.store(), object.key, std::move(read), shared.ctx));
  shared.findings.Add(ChangeMapFinding(std::move(finding)));
  return Status::Ok();
}

}  // namespace

Status CheckWalObjects(VerifyShared& shared, const WalCatalog& wal, const BackupManifest* backup) {
  WalReaders readers(shared);
  if (backup != nullptr) {
    PITR_TRY(AddSegmentsOf(shared, wal, *backup, readers));
  } else {
    PITR_TRY(ListAll(shared.repository.store(), std::string(layout::kWalPrefix), shared.ctx,
                     [&](const ObjectInfo& object) { return readers.Add(object); }));
  }
  return readers.Flush();
}

Status CheckChangeMaps(VerifyShared& shared) {
  std::vector<ObjectInfo> batch;
  const auto flush = [&] {
    Status status = ParallelFor(shared.options.jobs, batch.size(), shared.ctx,
                                [&](size_t i, int) { return CheckChangeMap(shared, batch[i]); });
    batch.clear();
    return status;
  };
  PITR_TRY(ListAll(shared.repository.store(), std::string(layout::kChangeMapPrefix), shared.ctx,
                   [&](const ObjectInfo& object) {
                     if (layout::SegmentOfChangeMapKey(object.key) && shared.Chosen(object.key, 0))
                       batch.push_back(object);
                     return batch.size() < kBatch ? Status::Ok() : flush();
                   }));
  return flush();
}

}  // namespace pitr

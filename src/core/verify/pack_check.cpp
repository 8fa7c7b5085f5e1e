#include "core/verify/pack_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/base/hash.h"
#include "core/base/parallel_for.h"
#include "core/repo/envelope/object_header.h"
#include "core/repo/maps/block_checks.h"

namespace pitr {
namespace {

constexpr char kPutBackOrBackUp[] = "Put the object back from a copy of the repository, or take a new full backup.";

// Header and end of one pack, and whether its frames can be read.
struct PackEnds {
  Bytes header;
  bool usable = false;
  uint64_t check_bytes = 0;  // of its check frames, which have been read and decoded
};

// What a run adds to the record once everything before it is done.
struct RunDone {
  bool done = false;
  uint64_t bytes = 0;
  uint64_t extents = 0;
};

struct Worker {
  explicit Worker(const RepositoryKey* key) : decoder(key) {}
  ObjectDecoder decoder;
  std::optional<uint32_t> open_pack;
  Bytes stored;
  Bytes plain;
};

// One window of packs.
class WindowCheck {
 public:
  WindowCheck(VerifyShared& shared, const CheckedPacks& table, size_t first, size_t end)
      : shared_(shared), table_(table), first_(first), end_(end), ends_(end - first) {
    for (int i = 0; i < std::max(shared.options.jobs, 1); ++i)
      workers_.push_back(std::make_unique<Worker>(shared.repository.key()));
  }
  Status Run();

 private:
  Status CheckEnds(size_t pack, Worker& worker);
  Status CheckEndFrame(const TabledPack& pack, ByteView stored, Worker& worker, size_t index);
  Status CheckBlockChecks(const TabledPack& pack, const FrameRef& last, const FrameRef& end, Worker& worker,
                          std::vector<FrameRef>& frames);
  Status CheckCount(const TabledPack& pack, const EndContent& end, size_t index, std::vector<FrameRef> frames) const;
  Status CheckWhole(size_t pack);
  void EndWindow();
  Status CheckRun(size_t index, Worker& worker);
  void CheckFrame(const PackRead& run, size_t frame, Worker& worker, std::optional<Finding>& open, uint64_t& extents);
  void Bad(const KnownFrame& frame, const char* problem, const std::string& detail, std::optional<Finding>& open);
  Status Read(const std::string& key, uint64_t offset, uint64_t length, Bytes& out);
  Status Unreadable(const TabledPack& pack, uint64_t begin, uint64_t end, Status status);
  void Choose(const std::vector<PackRead>& all);
  void AddForgotten(const std::vector<PackRead>& all);
  void Advance(size_t index, uint64_t bytes, uint64_t extents);
  void Account(VerifyRecord& record, size_t index);
  uint64_t EndFrameBytes() const {
    return kFrameHeaderBytes + kEndPlainBytes + (shared_.repository.key() != nullptr ? kFrameTagBytes : 0);
  }
  bool IsDone(const PackRead& run) const {
    const std::string& key = table_.packs[run.pack].key;
    return key < shared_.resumed.pack_done ||
           (key == shared_.resumed.pack_done && run.begin < shared_.resumed.pack_done_end);
  }

  VerifyShared& shared_;
  const CheckedPacks& table_;
  const size_t first_;
  const size_t end_;
  PackFrames known_;
  std::vector<PackRead> runs_;
  std::vector<PackEnds> ends_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  std::vector<RunDone> done_;  // protected by mutex_
  size_t prefix_ = 0;          // runs before it are done; protected by mutex_
};

Status WindowCheck::Read(const std::string& key, uint64_t offset, uint64_t length, Bytes& out) {
  PITR_TRY(shared_.rate.Acquire(length, shared_.ctx));
  out.clear();
  out.reserve(length);
  PITR_TRY(shared_.repository.store().Get(
      key, {offset, length},
      [&](ByteView piece) {
        out.insert(out.end(), piece.begin(), piece.end());
        shared_.progress.bytes_done.fetch_add(piece.size(), std::memory_order_relaxed);
        return Status::Ok();
      },
      shared_.ctx));
  if (out.size() == length) return Status::Ok();
  return {Code::kUnavailable, "reading \"" + key + "\" gave another number of bytes than was asked for"};
}

// A read that failed: a finding, or the end of everything.
Status WindowCheck::Unreadable(const TabledPack& pack, uint64_t begin, uint64_t end, Status status) {
  // The size is known, so a range that the store does not have is one that has been cut off since.
  if (status.code() == Code::kInvalidArgument) status = Status(Code::kCorruption, status.message());
  PITR_ASSIGN(Finding finding, FindingOf(shared_.repository.store(), pack.key, std::move(status), shared_.ctx));
  finding.begin = begin;
  finding.end = end;
  shared_.findings.Add(std::move(finding));
  return Status::Ok();
}

Status WindowCheck::CheckEnds(size_t index, Worker& worker) {
  const TabledPack& pack = table_.packs[index];
  PackEnds& ends = ends_[index - first_];
  if (!pack.stored || *pack.stored < kObjectHeaderBytes) return Status::Ok();  // the listing says so
  if (Status read = Read(pack.key, 0, kObjectHeaderBytes, ends.header); !read.ok())
    return Unreadable(pack, 0, *pack.stored, std::move(read));
  worker.open_pack.reset();
  if (Status opened = worker.decoder.Open(ObjectKind::kPack, pack.key, ends.header); !opened.ok()) {
    if (opened.code() == Code::kCorruption) return Unreadable(pack, 0, *pack.stored, std::move(opened));
    PITR_ASSIGN(Finding finding, FindingOf(shared_.repository.store(), pack.key, std::move(opened), shared_.ctx));
    shared_.findings.Add(std::move(finding));
    return Status::Ok();
  }
  ends.usable = true;
  // Of a pack with another size than it should have, the end is known to be wrong.
  if (*pack.stored != pack.size || pack.size < kObjectHeaderBytes + EndFrameBytes()) return Status::Ok();
  const uint64_t at = pack.size - EndFrameBytes();
  Bytes stored;
  if (Status read = Read(pack.key, at, EndFrameBytes(), stored); !read.ok())
    return Unreadable(pack, at, pack.size, std::move(read));
  return CheckEndFrame(pack, stored, worker, index);
}

Status WindowCheck::CheckEndFrame(const TabledPack& pack, ByteView stored, Worker& worker, size_t index) {
  const FrameRef end{pack.size - stored.size(), static_cast<uint32_t>(stored.size()), kEndPlainBytes};
  worker.plain.resize(kEndPlainBytes);
  Status status = worker.decoder.DecodeFrame(end.offset, stored, worker.plain);
  if (status.ok()) {
    auto info = worker.decoder.PeekFrame(stored.first(kFrameHeaderBytes));
    if (!info.ok() || info.value().type != FrameType::kEnd)
      status = Status(Code::kCorruption, "object \"" + pack.key + "\" does not end with an end frame");
  }
  if (!status.ok()) return Unreadable(pack, end.offset, pack.size, std::move(status));
  const EndContent content =
      DecodeEndContent(std::span<const uint8_t, kEndPlainBytes>(worker.plain.data(), kEndPlainBytes));
  std::vector<FrameRef> frames;
  PITR_TRY(CheckBlockChecks(pack, DecodeFrameRef(content.digest), end, worker, frames));
  for (const FrameRef& frame : frames) ends_[index - first_].check_bytes += frame.stored_bytes;
  Status counted = CheckCount(pack, content, index, std::move(frames));
  return counted.ok() ? counted : Unreadable(pack, end.offset, pack.size, std::move(counted));
}

// The frames that no file map names; `frames`: those that are right.
Status WindowCheck::CheckBlockChecks(const TabledPack& pack, const FrameRef& last, const FrameRef& end, Worker& worker,
                                     std::vector<FrameRef>& frames) {
  const auto read = [&](const FrameRef& ref, Bytes& stored) {
    return Read(pack.key, ref.offset, ref.stored_bytes, stored);
  };
  const auto each = [&](const FrameRef& ref, ByteView) {
    frames.push_back(ref);
    return Status::Ok();
  };
  FrameRef at;
  Status walked = WalkCheckFrames(worker.decoder, pack.key, last, end, read, each, at);
  return walked.ok() ? walked : Unreadable(pack, at.offset, at.offset + at.stored_bytes, std::move(walked));
}

// With every frame known, the end frame must count them. `frames`: those that no file map names.
Status WindowCheck::CheckCount(const TabledPack& pack, const EndContent& end, size_t index,
                               std::vector<FrameRef> frames) const {
  auto known = std::lower_bound(known_.frames.begin(), known_.frames.end(), index,
                                [](const KnownFrame& a, size_t wanted) { return a.pack < wanted; });
  for (; known != known_.frames.end() && known->pack == index; ++known)
    frames.push_back({known->offset, known->stored_bytes, known->plain_bytes});
  std::sort(frames.begin(), frames.end(), [](const FrameRef& a, const FrameRef& b) { return a.offset < b.offset; });
  uint64_t next = kObjectHeaderBytes, plain = 0, count = 0;
  for (; count < frames.size() && frames[count].offset == next; ++count) {
    next += frames[count].stored_bytes;
    plain += frames[count].plain_bytes;
  }
  if (next != pack.size - EndFrameBytes() || (end.plain_bytes == plain && end.frames == count)) return Status::Ok();
  return {Code::kCorruption, "the end frame of object \"" + pack.key + "\" does not count its frames"};
}

// A pack whose frames are not known, because no map of it can be read: they are found one after the other.
Status WindowCheck::CheckWhole(size_t index) {
  const TabledPack& pack = table_.packs[index];
  ObjectStreamReader reader(ObjectKind::kPack, pack.key, shared_.repository.key(),
                            [&](ByteView) { return shared_.ctx.Check(); });
  Status status = shared_.repository.store().Get(
      pack.key, {},
      [&](ByteView piece) -> Status {
        PITR_TRY(shared_.rate.Acquire(piece.size(), shared_.ctx));
        shared_.progress.bytes_done.fetch_add(piece.size(), std::memory_order_relaxed);
        return reader.Feed(piece);
      },
      shared_.ctx);
  if (status.ok()) status = reader.Finish().status();
  return status.ok() ? status : Unreadable(pack, 0, *pack.stored, std::move(status));
}

// Neighbours that are bad in the same way are one finding.
void WindowCheck::Bad(const KnownFrame& frame, const char* problem, const std::string& detail,
                      std::optional<Finding>& open) {
  const TabledPack& pack = table_.packs[frame.pack];
  const uint64_t end = frame.offset + frame.stored_bytes;
  if (open && open->problem == problem && open->end == frame.offset) {
    open->end = end;
    return;
  }
  if (open) shared_.findings.Add(std::move(*open));
  open.emplace();
  open->problem = problem;
  open->object = pack.key;
  open->begin = frame.offset;
  open->end = end;
  open->detail = detail + ".";
  open->hint = kPutBackOrBackUp;
}

void WindowCheck::CheckFrame(const PackRead& run, size_t index, Worker& worker, std::optional<Finding>& open,
                             uint64_t& extents) {
  const KnownFrame& frame = known_.frames[index];
  worker.plain.resize(frame.plain_bytes);
  const ByteView stored = ByteView(worker.stored).subspan(frame.offset - run.begin, frame.stored_bytes);
  if (Status decoded = worker.decoder.DecodeFrame(frame.offset, stored, worker.plain); !decoded.ok()) {
    Bad(frame, "corrupt", decoded.message(), open);
    return;
  }
  auto extent = std::partition_point(known_.extents.begin(), known_.extents.end(), [&](const KnownExtent& each) {
    return each.pack < frame.pack || (each.pack == frame.pack && each.offset < frame.offset);
  });
  for (; extent != known_.extents.end() && extent->pack == frame.pack && extent->offset == frame.offset; ++extent) {
    ++extents;
    const ByteView bytes = ByteView(worker.plain);
    if (uint64_t{extent->frame_offset} + extent->length <= bytes.size() &&
        Xxh3Of(bytes.subspan(extent->frame_offset, extent->length)) == extent->check)
      continue;
    Bad(frame, "checksum",
        "object \"" + table_.packs[frame.pack].key + "\", frame at offset " + std::to_string(frame.offset) +
            ": its bytes do not have the checksum that the file map gives",
        open);
    return;
  }
}

Status WindowCheck::CheckRun(size_t index, Worker& worker) {
  const PackRead& run = runs_[index];
  const TabledPack& pack = table_.packs[run.pack];
  const PackEnds& ends = ends_[run.pack - first_];
  if (!ends.usable) {
    Advance(index, 0, 0);
    return Status::Ok();
  }
  if (worker.open_pack != run.pack) {
    PITR_TRY(worker.decoder.Open(ObjectKind::kPack, pack.key, ends.header));
    worker.open_pack = run.pack;
  }
  if (Status read = Read(pack.key, run.begin, run.end - run.begin, worker.stored); !read.ok()) {
    PITR_TRY(Unreadable(pack, run.begin, run.end, std::move(read)));
    Advance(index, 0, 0);
    return Status::Ok();
  }
  std::optional<Finding> open;
  uint64_t extents = 0;
  for (size_t frame = run.first; frame < run.first + run.count; ++frame) CheckFrame(run, frame, worker, open, extents);
  if (open) shared_.findings.Add(std::move(*open));
  Advance(index, run.end - run.begin, extents);
  return Status::Ok();
}

// Called with the run's outcome; moves the mark of what is done, so that it never passes what is not.
void WindowCheck::Advance(size_t index, uint64_t bytes, uint64_t extents) {
  {
    std::lock_guard lock(mutex_);
    done_[index] = {true, bytes, extents};
    if (index == prefix_) {
      shared_.journal.Update([&](VerifyRecord& record) {
        for (; prefix_ < done_.size() && done_[prefix_].done; ++prefix_) Account(record, prefix_);
      });
    }
  }
  shared_.journal.Tick(shared_.ctx);
}

void WindowCheck::Account(VerifyRecord& record, size_t index) {
  const PackRead& run = runs_[index];
  const TabledPack& pack = table_.packs[run.pack];
  const bool first = index == 0 || runs_[index - 1].pack != run.pack;
  const bool continued = first && pack.key == shared_.resumed.pack_done;  // its beginning is in the record already
  const bool last = index + 1 == runs_.size() || runs_[index + 1].pack != run.pack;
  uint64_t bytes = done_[index].bytes;
  if (bytes > 0 && first && !continued) bytes += kObjectHeaderBytes;
  if (bytes > 0 && last) bytes += EndFrameBytes() + ends_[run.pack - first_].check_bytes;
  std::set<std::string> labels;
  for (const PackUser& user : pack.users) labels.insert(table_.backups[user.backup].manifest->label);
  for (const std::string& label : labels) {
    Coverage& coverage = record.backups[label];
    coverage.bytes_read += bytes;
    coverage.objects_read += bytes > 0 && first && !continued ? 1 : 0;
  }
  record.extents += done_[index].extents;
  record.pack_done = pack.key;
  record.pack_done_end = run.end;
}

// In a sample: of every backup that would have nothing read, what was drawn next.
void WindowCheck::AddForgotten(const std::vector<PackRead>& all) {
  std::map<uint32_t, std::pair<uint64_t, size_t>> best;  // backup: draw and index of its lowest run
  std::set<uint32_t> read;
  for (const PackRead& run : runs_)
    for (const PackUser& user : table_.packs[run.pack].users) read.insert(user.backup);
  for (size_t i = 0; i < all.size(); ++i) {
    const std::pair<uint64_t, size_t> draw{shared_.Draw(table_.packs[all[i].pack].key, all[i].begin), i};
    for (const PackUser& user : table_.packs[all[i].pack].users) {
      if (read.contains(user.backup)) continue;
      auto [at, added] = best.emplace(user.backup, draw);
      if (!added) at->second = std::min(at->second, draw);
    }
  }
  std::set<size_t> added;
  for (const auto& [backup, draw] : best) added.insert(draw.second);
  for (size_t index : added) runs_.push_back(all[index]);
  std::sort(runs_.begin(), runs_.end(), [](const PackRead& a, const PackRead& b) {
    return a.pack != b.pack ? a.pack < b.pack : a.begin < b.begin;
  });
}

void WindowCheck::Choose(const std::vector<PackRead>& all) {
  for (const PackRead& run : all)
    if (shared_.Chosen(table_.packs[run.pack].key, run.begin)) runs_.push_back(run);
  if (shared_.request.mode == VerifyMode::kSample) AddForgotten(all);
  std::erase_if(runs_, [&](const PackRead& run) { return IsDone(run); });
  done_.resize(runs_.size());
}

// What no backup refers to is not looked at, and is counted. Of a pack to which a map may refer that cannot be read
// nothing counts as that.
void WindowCheck::EndWindow() {
  const auto is_known = [&](size_t pack) {
    const std::vector<PackUser>& users = table_.packs[pack].users;
    return ends_[pack - first_].usable && table_.unknown_users.empty() &&
           std::all_of(users.begin(), users.end(),
                       [&](const PackUser& user) { return table_.backups[user.backup].mapped; });
  };
  uint64_t referenced = 0, stored = 0;
  for (const KnownFrame& frame : known_.frames)
    if (is_known(frame.pack)) referenced += frame.stored_bytes;
  for (size_t pack = first_; pack < end_; ++pack) {
    const PackEnds& ends = ends_[pack - first_];
    if (is_known(pack)) stored += table_.packs[pack].size - kObjectHeaderBytes - EndFrameBytes() - ends.check_bytes;
  }
  shared_.journal.Update([&](VerifyRecord& record) {
    record.unreferenced_bytes += stored > referenced ? stored - referenced : 0;
    record.pack_done = table_.packs[end_ - 1].key;
    record.pack_done_end = table_.packs[end_ - 1].size;
  });
}

Status WindowCheck::Run() {
  PITR_ASSIGN(known_, CollectFrames(shared_.repository, table_, first_, end_, shared_.ctx));
  Choose(PlanReads(table_, known_));
  const int jobs = shared_.options.jobs;
  PITR_TRY(ParallelFor(jobs, end_ - first_, shared_.ctx, [&](size_t index, int worker) -> Status {
    if (table_.packs[first_ + index].key < shared_.resumed.pack_done) return Status::Ok();
    return CheckEnds(first_ + index, *workers_[static_cast<size_t>(worker)]);
  }));
  PITR_TRY(ParallelFor(jobs, runs_.size(), shared_.ctx, [&](size_t index, int worker) {
    return CheckRun(index, *workers_[static_cast<size_t>(worker)]);
  }));
  std::vector<size_t> unmapped;
  for (size_t pack = first_; pack < end_; ++pack) {
    const auto mapped = [&](const PackUser& user) { return table_.backups[user.backup].mapped; };
    const std::vector<PackUser>& users = table_.packs[pack].users;
    if (std::none_of(users.begin(), users.end(), mapped) && ends_[pack - first_].usable &&
        shared_.Chosen(table_.packs[pack].key, 0))
      unmapped.push_back(pack);
  }
  PITR_TRY(
      ParallelFor(jobs, unmapped.size(), shared_.ctx, [&](size_t index, int) { return CheckWhole(unmapped[index]); }));
  EndWindow();
  return Status::Ok();
}

}  // namespace

Status CheckPackData(VerifyShared& shared, const CheckedPacks& table) {
  for (size_t first = 0; first < table.packs.size();) {
    const size_t end = EndOfWindow(table, first);
    // A window that an earlier part of the run has done.
    const TabledPack& last = table.packs[end - 1];
    const VerifyRecord& resumed = shared.resumed;
    const bool done =
        last.key < resumed.pack_done || (last.key == resumed.pack_done && resumed.pack_done_end >= last.size);
    if (!done) PITR_TRY(WindowCheck(shared, table, first, end).Run());
    first = end;
  }
  shared.journal.Update([](VerifyRecord& record) {
    record.pack_done = "~";
    record.pack_done_end = 0;
  });
  return Status::Ok();
}

uint64_t EstimatePackBytes(const VerifyRequest& request, const CheckedPacks& table) {
  double bytes = 0;
  for (const TabledPack& pack : table.packs) bytes += static_cast<double>(pack.stored.value_or(0));
  if (request.mode == VerifyMode::kSample) bytes *= request.sample_percent / 100;
  return request.mode == VerifyMode::kQuick ? 0 : static_cast<uint64_t>(bytes);
}

}  // namespace pitr

// The objects under proof/verify/: written once, numbered by run, found again by listing.
#include <algorithm>
#include <mutex>

#include "core/base/parallel_for.h"
#include "core/repo/layout.h"
#include "core/verify/record.h"

namespace pitr {
namespace {

constexpr size_t kMaxRecordBytes = size_t{16} << 20;  // findings are bounded, and each of them
constexpr int kReaders = 8;
constexpr int kMaxTries = 100;  // how many others may take a number before us

using Keys = std::vector<layout::VerifyKeyParts>;

Result<Keys> ListKeys(const Repository& repository, const std::string& prefix, const OpContext& ctx) {
  Keys keys;
  PITR_TRY(ListAll(repository.store(), prefix, ctx, [&](const ObjectInfo& object) {
    if (const auto parts = layout::ParseVerifyKey(object.key)) keys.push_back(*parts);
    return Status::Ok();
  }));
  return keys;
}

// Of each run its result, or the newest progress.
std::map<uint32_t, layout::VerifyKeyParts> Newest(const Keys& keys) {
  std::map<uint32_t, layout::VerifyKeyParts> newest;
  for (const layout::VerifyKeyParts& parts : keys) {
    auto [at, added] = newest.emplace(parts.run, parts);
    if (!added && at->second.progress != 0 && (parts.progress == 0 || parts.progress > at->second.progress))
      at->second = parts;
  }
  return newest;
}

}  // namespace

Result<VerifyRecord> ReadRecord(const Repository& repository, const std::string& key, const OpContext& ctx) {
  PITR_ASSIGN(const Bytes json, repository.ReadObject(ObjectKind::kProof, key, kMaxRecordBytes, ctx));
  auto record = DecodeRecord(AsText(json));
  if (!record.ok()) return std::move(record).status().Annotate("object \"" + key + "\"");
  return record;
}

Result<VerifyRecords> LoadVerifyRecords(const Repository& repository, const OpContext& ctx) {
  PITR_ASSIGN(const Keys keys, ListKeys(repository, std::string(layout::kVerifyPrefix), ctx));
  std::vector<layout::VerifyKeyParts> wanted;
  for (const auto& [run, parts] : Newest(keys)) wanted.push_back(parts);
  std::vector<std::optional<VerifyRecord>> read(wanted.size());
  PITR_TRY(ParallelFor(kReaders, wanted.size(), ctx, [&](size_t index, int) -> Status {
    auto record = ReadRecord(repository, layout::VerifyKey(wanted[index]), ctx);
    if (record.ok()) {
      read[index] = std::move(record).value();
      return Status::Ok();
    }
    if (record.code() == Code::kNotFound) return Status::Ok();  // removed since it was listed
    if (record.code() != Code::kCorruption && record.code() != Code::kInvalidArgument) return record.status();
    repository.log().Warning(record.status().ToString());
    return Status::Ok();
  }));
  VerifyRecords records;
  for (std::optional<VerifyRecord>& record : read) {
    if (!record) continue;
    (record->finished ? records.results : records.unfinished).push_back(std::move(*record));
  }
  return records;
}

// The first object of a run reserves its number, which is why a run without progress writes its result the same way.
Status RecordWriter::Create(VerifyRecord& record, bool result, const OpContext& ctx) {
  bool reserve = run_ == 0;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    layout::VerifyKeyParts parts;
    PITR_ASSIGN(const Keys keys, ListKeys(repository_, std::string(layout::kVerifyPrefix), ctx));
    if (reserve) {
      parts.run = 1;
      for (const auto& other : keys) parts.run = std::max(parts.run, other.run + 1);
    } else {
      parts.run = run_;
    }
    if (!result) {
      parts.progress = 1;
      for (const auto& other : keys)
        if (other.run == parts.run) parts.progress = std::max(parts.progress, other.progress + 1);
    }
    record.run = parts.run;
    const std::string key = layout::VerifyKey(parts);
    const std::string json = EncodeRecord(record);
    Status created = repository_.CreateObject(ObjectKind::kProof, key, AsBytes(json), ctx);
    if (created.code() == Code::kAlreadyExists) {
      // Somebody else continued the same run and was faster: this result gets a number of its own.
      reserve = reserve || result;
      continue;
    }
    PITR_TRY(std::move(created));
    run_ = parts.run;
    newest_ = key;
    return Status::Ok();
  }
  return {Code::kUnavailable, "no number is free for the result of the verification"};
}

Status RecordWriter::DeleteProgress(const std::string& except, const OpContext& ctx) {
  PITR_ASSIGN(const Keys keys, ListKeys(repository_, layout::VerifyRunPrefix(run_), ctx));
  std::vector<std::string> old;
  for (const layout::VerifyKeyParts& parts : keys) {
    const std::string key = layout::VerifyKey(parts);
    if (parts.progress != 0 && key != except && old.size() < kMaxDeleteBatch) old.push_back(key);
  }
  return old.empty() ? Status::Ok() : repository_.store().Delete(old, ctx);
}

Status RecordWriter::WriteProgress(VerifyRecord& record, const OpContext& ctx) {
  record.finished = false;
  PITR_TRY(Create(record, /*result=*/false, ctx));
  if (Status deleted = DeleteProgress(newest_, ctx); !deleted.ok()) repository_.log().Debug(deleted.ToString());
  return Status::Ok();
}

Status RecordWriter::WriteResult(VerifyRecord& record, const std::vector<std::string>& labels, const OpContext& ctx) {
  record.finished = true;
  PITR_TRY(Create(record, /*result=*/true, ctx));
  if (Status deleted = DeleteProgress("", ctx); !deleted.ok()) repository_.log().Debug(deleted.ToString());
  PITR_ASSIGN(const VerifyRecords records, LoadVerifyRecords(repository_, ctx));
  std::vector<std::string> old;
  for (uint32_t run : SuperfluousResults(records.results, labels)) old.push_back(layout::VerifyKey({run, 0}));
  if (old.size() > kMaxDeleteBatch) old.resize(kMaxDeleteBatch);
  if (old.empty()) return Status::Ok();
  if (Status deleted = repository_.store().Delete(old, ctx); !deleted.ok()) repository_.log().Debug(deleted.ToString());
  return Status::Ok();
}

}  // namespace pitr

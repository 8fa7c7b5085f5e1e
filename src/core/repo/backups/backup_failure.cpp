#include "core/repo/backups/backup_failure.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/store/durable_file.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr size_t kMaxFailureBytes = size_t{1} << 16;
constexpr uint64_t kFailureVersion = 1;
constexpr int kMaxTries = 16;

std::string FailuresPath(const std::string& data_directory) { return data_directory + "/" + kBackupFailuresFile; }

Result<std::vector<std::string>> ListFailureKeys(const Repository& repository, const OpContext& ctx) {
  std::vector<std::string> keys;
  PITR_TRY(ListAll(repository.store(), std::string(layout::kFailurePrefix), ctx, [&](const ObjectInfo& object) {
    if (layout::ParseFailureKey(object.key)) keys.push_back(object.key);
    return Status::Ok();
  }));
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

std::string DescribeFailure(const BackupFailure& failure) {
  std::string text = (failure.phase.empty() ? "Refused" : "Failed while " + failure.phase) + ": " + failure.message;
  if (!failure.sqlstate.empty()) text += " (SQLSTATE " + failure.sqlstate + ")";
  text += ".";
  if (!failure.detail.empty()) text += " " + failure.detail;
  if (!failure.requested_by.empty()) text += " It was asked for by " + failure.requested_by + ".";
  return text;
}

std::string EncodeFailure(const BackupFailure& failure) {
  Json document = {{"pg_pitr_failure", kFailureVersion},
                   {"started_micros", failure.started_micros},
                   {"ended_micros", failure.ended_micros}};
  PutText(document, "label", failure.label);
  PutText(document, "type", failure.type);
  PutText(document, "phase", failure.phase);
  PutText(document, "sqlstate", failure.sqlstate);
  PutText(document, "message", failure.message);
  PutText(document, "detail", failure.detail);
  PutText(document, "hint", failure.hint);
  PutText(document, "requested_by", failure.requested_by);
  PutText(document, "by", failure.by);
  return JsonText(document);
}

Result<BackupFailure> DecodeFailure(std::string_view json) {
  constexpr const char* kWhat = "record of a failed backup";
  PITR_ASSIGN(const Json document, ParseJsonObject(json, kWhat));
  const JsonFields fields(document, kWhat);
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_failure", version));
  if (version > kFailureVersion)
    return Status(Code::kInvalidArgument, std::string(kWhat) + " is of a newer version of pg_pitr");
  BackupFailure failure;
  PITR_TRY(fields.Signed("started_micros", failure.started_micros));
  PITR_TRY(fields.Signed("ended_micros", failure.ended_micros));
  PITR_TRY(fields.OptionalText("label", failure.label));
  PITR_TRY(fields.OptionalText("type", failure.type));
  PITR_TRY(fields.OptionalText("phase", failure.phase));
  PITR_TRY(fields.OptionalText("sqlstate", failure.sqlstate));
  PITR_TRY(fields.OptionalText("message", failure.message));
  PITR_TRY(fields.OptionalText("detail", failure.detail));
  PITR_TRY(fields.OptionalText("hint", failure.hint));
  PITR_TRY(fields.OptionalText("requested_by", failure.requested_by));
  PITR_TRY(fields.OptionalText("by", failure.by));
  return failure;
}

Status StoreBackupFailure(const Repository& repository, const BackupFailure& failure, const OpContext& ctx) {
  const std::string json = EncodeFailure(failure);
  uint64_t number = static_cast<uint64_t>(std::max<int64_t>(failure.ended_micros, 1));
  for (int tries = 0;; ++tries, ++number) {
    Status created =
        repository.CreateObject(ObjectKind::kBackupFailure, layout::FailureKey(number), AsBytes(json), ctx);
    if (created.ok()) break;
    if (created.code() != Code::kAlreadyExists || tries == kMaxTries) return created;
  }
  auto keys = ListFailureKeys(repository, ctx);
  if (!keys.ok() || keys.value().size() <= kFailuresKept) return Status::Ok();
  keys.value().resize(std::min(keys.value().size() - kFailuresKept, kMaxDeleteBatch));
  if (Status deleted = repository.store().Delete(keys.value(), ctx); !deleted.ok())
    repository.log().Debug(deleted.ToString());
  return Status::Ok();
}

Result<std::vector<BackupFailure>> LoadBackupFailures(const Repository& repository, const OpContext& ctx) {
  PITR_ASSIGN(const std::vector<std::string> keys, ListFailureKeys(repository, ctx));
  std::vector<BackupFailure> failures;
  for (const std::string& key : keys) {
    auto plain = repository.ReadObject(ObjectKind::kBackupFailure, key, kMaxFailureBytes, ctx);
    if (plain.code() == Code::kNotFound) continue;  // deleted since it was listed
    if (!plain.ok() && plain.code() != Code::kCorruption && plain.code() != Code::kInvalidArgument)
      return std::move(plain).status();
    auto failure = plain.ok() ? DecodeFailure(AsText(plain.value())) : Result<BackupFailure>(plain.status());
    if (failure.ok())
      failures.push_back(std::move(failure).value());
    else
      repository.log().Warning("object \"" + key + "\" is not used: " + failure.status().ToString());
  }
  return failures;
}

Result<std::vector<BackupFailure>> KeptBackupFailures(const std::string& data_directory) {
  std::vector<BackupFailure> failures;
  const std::string path = FailuresPath(data_directory);
  std::ifstream file(path);
  if (!file.is_open()) {
    if (errno == ENOENT) return failures;
    return FileError(errno, "opening \"" + path + "\"");
  }
  for (std::string line; failures.size() < kFailuresKept && std::getline(file, line);)
    if (auto failure = DecodeFailure(line); failure.ok()) failures.push_back(std::move(failure).value());
  return failures;
}

Status KeepBackupFailure(const std::string& data_directory, const BackupFailure& failure) {
  PITR_ASSIGN(std::vector<BackupFailure> failures, KeptBackupFailures(data_directory));
  if (failures.size() == kFailuresKept) failures.erase(failures.begin());
  failures.push_back(failure);
  std::string text;
  for (const BackupFailure& each : failures) text += EncodeFailure(each) + "\n";
  return WriteDurableFile(FailuresPath(data_directory), text);
}

Status MoveBackupFailures(const std::string& data_directory, const Repository& repository, const OpContext& ctx) {
  PITR_ASSIGN(const std::vector<BackupFailure> failures, KeptBackupFailures(data_directory));
  if (failures.empty()) return Status::Ok();
  for (const BackupFailure& failure : failures) PITR_TRY(StoreBackupFailure(repository, failure, ctx));
  const std::string path = FailuresPath(data_directory);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return FileError(errno, "removing \"" + path + "\"");
  return Status::Ok();
}

}  // namespace pitr

#include "core/backup/reserved_label.h"

#include "core/repo/backups/expire_mark.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kDefaultLabelTries = 10;  // seconds, near enough
constexpr int64_t kSleepMillis = 50;

char LetterOf(BackupType type) {
  switch (type) {
    case BackupType::kFull:
      return 'F';
    case BackupType::kDiff:
      return 'D';
    case BackupType::kIncr:
      return 'I';
  }
  return 'F';
}

Status Reserve(const Repository& repository, const std::string& label, const BackupOptions& options,
               const BackupBasis& basis, const OpContext& ctx) {
  Json start = {{"pg_pitr_start", 1},
                {"label", label},
                {"type", std::string(BackupTypeName(options.type))},
                {"started_micros", ctx.clock->WallMicros()}};
  if (!basis.parent.empty()) start["parent"] = basis.parent;
  if (!basis.resumes.empty()) start["resumes"] = basis.resumes;
  PutText(start, "started_by", options.started_by);
  const std::string key = layout::BackupKey(label, layout::BackupObject::kStart);
  PITR_TRY(repository.CreateObject(ObjectKind::kBackupStart, key, AsBytes(JsonText(start)), ctx));
  if (basis.parent.empty()) return Status::Ok();
  Status stays = CheckNotExpiring(repository, basis.parent, layout::BackupObject::kManifest, ctx);
  if (stays.ok()) return stays;
  const Status removed = repository.store().Delete({key}, ctx);
  if (!removed.ok()) repository.log().Warning("could not remove \"" + key + "\": " + removed.ToString());
  return std::move(stays).Annotate("building on an earlier backup");
}

Status WaitUntilSecondAfter(int64_t wall_micros, const OpContext& ctx) {
  while (ctx.clock->WallMicros() / 1000000 == wall_micros / 1000000) {
    PITR_TRY(ctx.Check());
    ctx.clock->SleepMillis(kSleepMillis);
  }
  return Status::Ok();
}

}  // namespace

std::string DefaultLabel(int64_t wall_micros, BackupType type) {
  return FormatUtc(wall_micros, "%Y%m%d-%H%M%S") + LetterOf(type);
}

Result<std::string> ReserveLabel(const Repository& repository, const BackupOptions& options, const BackupBasis& basis,
                                 const OpContext& ctx) {
  if (!options.label.empty()) {
    if (!layout::IsValidLabel(options.label))
      return Status(Code::kInvalidArgument, "\"" + options.label + "\" is not a valid label for a backup")
          .WithHint("Use up to 64 letters, digits, \".\", \"_\" and \"-\", beginning with a letter or digit.");
    const Status reserved = Reserve(repository, options.label, options, basis, ctx);
    if (reserved.code() == Code::kAlreadyExists)
      return Status(Code::kAlreadyExists, "backup \"" + options.label + "\" exists or was begun already")
          .WithHint("Choose another label, or leave it out to have one made from the time.");
    if (!reserved.ok()) return reserved;
    return options.label;
  }
  for (int attempt = 1;; attempt++) {
    const int64_t now = ctx.clock->WallMicros();
    std::string label = DefaultLabel(now, options.type);
    Status reserved = Reserve(repository, label, options, basis, ctx);
    if (reserved.ok()) return label;
    if (reserved.code() != Code::kAlreadyExists || attempt == kDefaultLabelTries) return reserved;
    PITR_TRY(WaitUntilSecondAfter(now, ctx));
  }
}

}  // namespace pitr

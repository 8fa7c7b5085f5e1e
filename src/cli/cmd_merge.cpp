// pg_pitr merge: makes a full backup of an increment inside the repository.
#include "cli/reply.h"
#include "cli/session.h"
#include "core/backup/merge.h"
#include "core/base/describe_size.h"
#include "core/base/process_name.h"
#include "core/verify/known_damage.h"

namespace pitr::cli {
namespace {

// The merged backup would lack what the source has lost, and seem to be a good one.
Status CheckUndamaged(const Repository& repository, const std::string& label, const OpContext& ctx) {
  auto manifest = ReadManifest(repository, label, ctx);
  if (!manifest.ok()) return Status::Ok();  // the merge says why
  PITR_ASSIGN(const DamageFinder damage_of, FindKnownDamage(repository, DamageOf::kFiles, ctx));
  const std::string damage = damage_of(manifest.value());
  if (damage.empty()) return Status::Ok();
  return Status(Code::kConflict, "backup \"" + label + "\" is damaged and cannot be merged")
      .WithDetail("What is known: " + damage + ".")
      .WithHint("Merge another backup. If the damage has been mended, pg_pitr verify --label " + label +
                " finds that out.");
}

Result<Reply> RunMerge(const Invocation& invocation, const MergeOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository(SettingsFor::kStoring));
  const int64_t begun = session.ctx().clock->SteadyMillis();
  PITR_TRY(CheckUndamaged(*repository, options.source, session.ctx()));
  PITR_ASSIGN(const BackupManifest merged, MergeBackup(*repository, options, session.ctx()));
  const int64_t millis = session.ctx().clock->SteadyMillis() - begun;
  return Reply{"backup " + merged.label + " is a full backup of what " + options.source + " restores to; " +
                   DescribeBytes(merged.stored_bytes) + " stored, in " + DescribeMillis(millis) + "\n",
               {{"label", merged.label},
                {"source", options.source},
                {"stored_bytes", merged.stored_bytes},
                {"database_bytes", merged.database_bytes},
                {"milliseconds", millis}},
               kExitOk,
               {}};
}

}  // namespace

void AddMerge(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("merge", "Make a full backup of an incremental one, inside the repository");
  verb->footer(
      "Writes a manifest and a file map that refer to data that is stored already; nothing is read from the server or "
      "copied. The next incremental backup builds on it and begins a new chain.\n\n"
      "Example:\n  pg_pitr merge 20260522-090014I --config /etc/pg_pitr.conf");
  AddConfigOption(*verb, invocation);
  AddJsonOption(*verb, invocation);
  auto options = std::make_shared<MergeOptions>();
  verb->add_option("BACKUP", options->source, "The incremental or differential backup")
      ->required()
      ->type_name("BACKUP");
  verb->add_option("--label", options->label, "Label of the new backup (default: made from the time)");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      options->started_by = ProcessName();
      return GiveReply(invocation, RunMerge(invocation, *options));
    };
  });
}

}  // namespace pitr::cli

// pg_pitr take-over: the operator's word that a restored server continues the cluster.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/exit_code.h"
#include "cli/verbs.h"
#include "core/restore/recovery_end.h"

namespace pitr::cli {
namespace {

Status RunTakeOver(const std::string& directory) {
  if (directory.empty())
    return Status(Code::kInvalidArgument, "no data directory given")
        .WithHint("Give the restored directory with -D, or in $PGDATA.");
  std::error_code ignored;
  const std::string path = std::filesystem::absolute(directory, ignored).lexically_normal().string();
  PITR_ASSIGN(const auto removed, TakeOver(path));
  std::string names;
  for (const std::string& name : removed) names += (names.empty() ? "" : ", ") + name;
  std::printf("The server of \"%s\" continues the cluster and may archive to the repository it was restored from.\n",
              path.c_str());
  if (!names.empty())
    std::printf(
        "Removed from postgresql.auto.conf: %s.\nRestart the server, then take a backup: SELECT pitr_backup();\n",
        names.c_str());
  return Status::Ok();
}

}  // namespace

void AddTakeOver(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("take-over", "Let a restored server, or a copy, continue the cluster");
  verb->footer(
      "For a server whose archiving is held because the one that it was restored from seems to live, and for a copy "
      "made\n"
      "with restore --as-copy that is to become the production server. Make sure first that no other server of this\n"
      "cluster runs: both would write to the same repository. The server may run meanwhile.");
  AddConfigOption(*verb, invocation);
  auto directory = std::make_shared<std::string>();
  verb->add_option("-D,--pgdata", *directory, "The restored data directory (default: $PGDATA)")
      ->type_name("DIR")
      ->envname("PGDATA");
  verb->callback(
      [&invocation, directory] { invocation.run = [directory] { return ExitOf(RunTakeOver(*directory)); }; });
}

}  // namespace pitr::cli

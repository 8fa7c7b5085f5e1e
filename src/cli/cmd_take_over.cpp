// pg_pitr take-over: the operator's word that a restored server continues the cluster.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/describe_size.h"
#include "core/base/text_page.h"
#include "core/restore/copy_guard.h"
#include "core/restore/live_servers.h"
#include "core/restore/lost_wal.h"
#include "core/restore/recovery_end.h"
#include "core/restore/wal_gaps.h"

namespace pitr::cli {
namespace {

// What is known of the server's WAL before it takes over: what nobody can bring back, and what still can be stored.
// `as_copy`: it does not archive.
std::string DescribeWal(const LostWal& lost, bool as_copy, const std::string& directory, uint32_t segment_size) {
  if (!lost.timeline.valid()) return "";
  const std::string timeline = std::to_string(lost.timeline.value);
  std::string text;
  if (!lost.missing.empty())
    text += "WAL of timeline " + timeline +
            " is lost, neither in the repository nor in pg_wal any more: " + DescribeSpans(lost.missing, segment_size) +
            ".\nA recovery from an older backup ends before it. Take a backup at once when the server runs: SELECT "
            "pitr_backup();\n";
  if (as_copy && lost.waiting > 0)
    text += DescribeCount(lost.waiting, "WAL segment", "WAL segments") + " of timeline " + timeline +
            " can still be stored. A server that does not archive drops them at the next checkpoint, and that of its "
            "shutdown is one.\nSo before it is stopped: pg_pitr wal-push " +
            directory + "/pg_wal\n";
  return text;
}

// Growth may be the last that a server stored before it died, and silence that of a server which is idle. Which it is
// cannot be seen from here.
std::string DescribeOriginal(const RestoreMark& mark, const std::optional<TimelineGrowth>& growth) {
  if (!growth) {
    if (mark.mode != RecoveryMode::kRecover) return "";
    std::set<Timeline> timelines = {mark.timeline};
    for (const auto& [timeline, newest] : mark.newest) timelines.insert(timeline);
    std::string numbers, commands;
    for (const Timeline timeline : timelines) {
      const std::string number = std::to_string(timeline.value);
      numbers += (numbers.empty() ? "" : " or ") + number;
      commands += (commands.empty() ? "" : ", ") + ("pg_pitr timeline set-aside " + number);
    }
    return "Nothing of timeline " + numbers +
           " beyond what this server has was stored since the restore. Its server was stopped, or it is quiet: stop it "
           "for good. Should it write "
           "after all, leave that out of every choice: " +
           commands + "\n";
  }
  const std::string timeline = std::to_string(growth->timeline.value);
  return growth->evidence +
         ".\nIf its server still runs somewhere, both now write to one repository: stop it for good. "
         "What it has stored since the restore is on timeline " +
         timeline +
         ", not in this server: pg_pitr plan "
         "--target-latest --target-timeline " +
         timeline + " says how to look at it. To leave it out of every choice: pg_pitr timeline set-aside " + timeline +
         "\n";
}

// Two servers that write to one repository are never what is meant.
Status CheckOriginalStopped(const std::string& directory) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(directory));
  PITR_ASSIGN(const RestoreMark mark, MarkOfRestored(tree));
  const auto server = OriginalOnThisMachine(directory, mark);
  if (!server) return Status::Ok();
  return Status(Code::kConflict, "the server that \"" + directory + "\" was made from runs on this machine")
      .WithDetail(DescribeLiveServer(*server))
      .WithHint("Stop it for good (pg_ctl stop -D " + server->data_directory +
                ", and disable its service), then run this again. With --force this server takes over all the same, "
                "and both write to one repository until the other is stopped.");
}

// For people; what cannot be found out is said, and hinders nothing. A conflict when the repository has another
// server's WAL under the number of this one's timeline.
Result<std::string> LookAtWal(const Invocation& invocation, const std::string& directory) {
  Session session(invocation);
  Status foreign;
  const auto look = [&]() -> Result<std::string> {
    PITR_ASSIGN(const ClusterTree tree, ClusterTree::OpenWithWal(directory));
    PITR_ASSIGN(const std::optional<RestoreMark> mark, ReadRestoreMark(tree));
    if (!mark) return std::string();
    PITR_ASSIGN(const auto repository, session.OpenRepository());
    PITR_ASSIGN(const auto growth, GrowthSinceRestore(*repository, directory, *mark, session.ctx()));
    PITR_ASSIGN(const LostWal lost, FindLostWal(*repository, tree, *mark, session.ctx()));
    foreign = lost.foreign;
    return DescribeOriginal(*mark, growth) + DescribeWal(lost, mark->as_copy, directory, repository->segment_size());
  };
  auto text = look();
  PITR_TRY(foreign);
  if (text.ok()) return text;
  return "It could not be found out whether WAL of its timeline is lost: " + text.status().ToString() +
         "\nTake a backup at once when the server runs: SELECT pitr_backup();\n";
}

Result<Reply> RunTakeOver(const Invocation& invocation, const std::string& directory, bool force) {
  if (directory.empty())
    return Status(Code::kInvalidArgument, "no data directory given")
        .WithHint("Give the restored directory with -D, or in $PGDATA.");
  std::error_code ignored;
  const std::string path = std::filesystem::absolute(directory, ignored).lexically_normal().string();
  if (!force) PITR_TRY(CheckOriginalStopped(path));
  PITR_ASSIGN(const std::string wal, LookAtWal(invocation, path));
  PITR_ASSIGN(const auto removed, TakeOver(path));
  std::string text = wal + "The server of \"" + path +
                     "\" continues the cluster and may archive to the repository it was restored from.\n";
  if (!removed.empty())
    text += "Removed from postgresql.auto.conf: " + DescribeList(removed) +
            ".\nRestart the server, then take a backup: SELECT pitr_backup();\n";
  return Reply{text, {{"data_directory", path}, {"removed_settings", removed}, {"notes", LinesOf(wal)}}, kExitOk, {}};
}

}  // namespace

void AddTakeOver(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("take-over", "Let a restored server, or a copy, continue the cluster");
  verb->footer(
      "For a server whose archiving is held because the one that it was restored from seems to live, and for a copy "
      "made with restore --as-copy that is to become the production server. Make sure first that no other server of "
      "this cluster runs: both would write to the same repository. The server may run meanwhile.");
  AddConfigOption(*verb, invocation);
  AddJsonOption(*verb, invocation);
  auto directory = std::make_shared<std::string>();
  verb->add_option("-D,--pgdata", *directory, "The restored data directory (default: $PGDATA)")
      ->type_name("DIR")
      ->envname("PGDATA");
  auto force = std::make_shared<bool>(false);
  verb->add_flag("--force", *force, "Although the server that it was made from runs on this machine");
  verb->callback([&invocation, directory, force] {
    invocation.run = [&invocation, directory, force] {
      return GiveReply(invocation, RunTakeOver(invocation, *directory, *force));
    };
  });
}

}  // namespace pitr::cli

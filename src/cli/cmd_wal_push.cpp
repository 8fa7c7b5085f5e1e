// pg_pitr wal-push: archives WAL files by hand, when the server that wrote them is gone.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "core/base/describe_size.h"
#include "core/base/parallel_for.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "core/repo/change_map_maker.h"
#include "core/repo/wal_push.h"
#include "core/restore/wal_aside.h"

namespace pitr::cli {
namespace {

struct PushOptions {
  std::vector<std::string> paths;
  bool quiet = false;
};

struct Outcome {
  std::string name;
  Status status = Status::Ok();
  bool already_there = false;
};

// The server keeps old segments under future names to use them again; they hold nothing.
bool HoldsNothing(const std::string& path, const WalFileName& name, uint32_t segment_size) {
  if (name.kind != WalFileKind::kSegment) return false;
  Bytes first(kLongWalPageHeaderSize);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(first.data()), static_cast<std::streamsize>(first.size()))) return false;
  return IsRecycledSegment(first, name.segment, segment_size);
}

// Names that are no WAL files are passed over: the shell's pg_wal/* has archive_status among them.
std::vector<std::string> WalFilesOf(const std::vector<std::string>& paths, uint32_t segment_size, int& skipped) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code ignored;
    const std::string name = std::filesystem::path(path).filename().string();
    const auto parsed = ParseWalFileName(name, segment_size);
    if (parsed && !std::filesystem::is_directory(path, ignored) && !HoldsNothing(path, *parsed, segment_size)) {
      files.push_back(path);
    } else {
      ++skipped;
    }
  }
  return files;
}

Status Report(const std::vector<Outcome>& outcomes, int skipped, bool quiet) {
  size_t pushed = 0, there = 0, failed = 0;
  const Status* first = nullptr;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.status.ok()) {
      ++failed;
      if (first == nullptr) first = &outcome.status;
      PrintError(outcome.status);
      continue;
    }
    ++(outcome.already_there ? there : pushed);
    if (!quiet)
      std::printf("%s: %s\n", outcome.name.c_str(),
                  outcome.already_there ? "already in the archive, identical" : "archived");
  }
  std::printf(
      "%s archived, %zu already there, %zu failed%s\n", DescribeCount(pushed, "file", "files").c_str(), there, failed,
      skipped > 0 ? (", " + std::to_string(skipped) + " passed over (not WAL files, or kept for reuse)").c_str() : "");
  if (first == nullptr) return Status::Ok();
  return {first->code() == Code::kInvalidArgument ? Code::kConflict : first->code(),
          std::to_string(failed) + " files could not be archived"};
}

Status RunWalPush(const Invocation& invocation, const PushOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  const OpContext& ctx = session.ctx();
  int skipped = 0;
  const std::vector<std::string> files = WalFilesOf(options.paths, repository->segment_size(), skipped);
  std::vector<Outcome> outcomes(files.size());
  // One that fails must not keep the others from being saved, so a failure is an outcome and not the end.
  PITR_TRY(ParallelFor(repository->config().archive_jobs, files.size(), ctx, [&](size_t i, int) {
    outcomes[i].name = std::filesystem::path(files[i]).filename().string();
    auto pushed = PushWalFile(*repository, outcomes[i].name, files[i], ctx);
    if (pushed.ok()) outcomes[i].already_there = pushed.value().already_there;
    outcomes[i].status = std::move(pushed).status();
    // An aid to incremental backups, which do without.
    if (outcomes[i].status.ok() && WantsChangeMap(*repository, outcomes[i].name))
      static_cast<void>(MakeChangeMap(*repository, outcomes[i].name, files[i], ctx));
    return ctx.cancelled() ? ctx.Check() : Status::Ok();
  }));
  return Report(outcomes, skipped, options.quiet);
}

}  // namespace

void AddWalPush(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("wal-push", "Archive WAL files by hand, when the server that wrote them is gone");
  verb->footer(
      "The last transactions of a crashed server may be in its pg_wal only. Save them before anything else:\n"
      "  pg_pitr wal-push /var/lib/postgresql/15/main/pg_wal/*\n"
      "What is already there and identical is left alone; different content under the same name is an error and "
      "nothing is\n"
      "overwritten. Only use it when no server is running there: a running one archives by itself. The last, "
      "unfinished segment\n"
      "is archived as it is; recovery replays what is valid in it.");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<PushOptions>();
  verb->add_option("files", options->paths, "Files of pg_wal")->required()->type_name("FILE...");
  verb->add_flag("-q,--quiet", options->quiet, "Print the sum only");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return ExitOf(RunWalPush(invocation, *options)); };
  });
}

}  // namespace pitr::cli

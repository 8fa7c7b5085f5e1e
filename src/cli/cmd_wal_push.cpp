// pg_pitr wal-push: archives WAL files by hand, when the server that wrote them is gone.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <span>

#include "cli/print.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/describe_size.h"
#include "core/base/parallel_for.h"
#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/archive/change_map_maker.h"
#include "core/repo/opening/repository_watch.h"
#include "core/repo/timelines/ancestor_segments.h"
#include "core/repo/timelines/wal_owner.h"
#include "core/repo/wal/history_source.h"
#include "core/repo/wal/wal_push.h"
#include "core/restore/wal_aside.h"
#include "core/restore/wal_origin.h"
#include "core/restore/wal_writer.h"

namespace pitr::cli {
namespace {

struct PushOptions {
  std::vector<std::string> paths;
  bool quiet = false, force = false;
};

struct Outcome {
  std::string name;
  Status status = Status::Ok();
  WalPushResult result;
};

struct PushFile {
  std::string path;
  std::string name;
  WalFileKind kind = WalFileKind::kSegment;
  Timeline timeline;
  bool named = false;  // by itself, not with its directory
  std::string server;  // about the one that runs and may still write it, or ""
};

// What there is to push, and what was passed over and why.
struct PushSelection {
  std::vector<PushFile> files;
  size_t for_reuse = 0;  // segments that the server kept under future names
  size_t others = 0;     // names that are no WAL files'
  size_t written = 0;    // segments that a server is writing
};

// Looks at names and first bytes.
class Selector {
 public:
  Selector(const Repository& repository, const OpContext& ctx) : repository_(repository), histories_(repository, ctx) {}

  Status Select(const std::filesystem::path& path, bool named) {
    const std::string name = path.filename().string();
    const auto parsed = ParseWalFileName(name, repository_.segment_size());
    if (!parsed) {
      ++selection_.others;
      return Status::Ok();
    }
    PITR_ASSIGN(const bool nothing, HoldsNothing(path, *parsed));
    if (nothing) {
      ++selection_.for_reuse;
    } else {
      selection_.files.push_back({path.string(), name, parsed->kind, parsed->timeline, named, ""});
    }
    return Status::Ok();
  }

  Status SelectFromDirectory(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::directory_iterator entry(directory, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_directory(ignored)) {
        ++selection_.others;
      } else {
        PITR_TRY(Select(entry->path(), /*named=*/false));
      }
    }
    if (!error) return Status::Ok();
    return {error == std::errc::permission_denied ? Code::kPermission : Code::kUnavailable,
            "could not read directory \"" + directory.string() + "\": " + error.message()};
  }

  void PassOver() { ++selection_.others; }
  PushSelection Take() { return std::move(selection_); }

 private:
  // The server keeps old segments under future names to use them again; they hold nothing.
  Result<bool> HoldsNothing(const std::filesystem::path& path, const WalFileName& name) {
    if (name.kind != WalFileKind::kSegment) return false;
    const auto first = StartOfSegment(path.string());
    if (!first) return false;
    PITR_ASSIGN(const TimelineHistory* history, histories_.Find(path.parent_path().string(), name.timeline));
    return IsRecycledSegment(*first, name, repository_.segment_size(), history);
  }

  const Repository& repository_;
  HistoryFinder histories_;
  PushSelection selection_;
};

// The directories in pg_wal that are the server's own, which the shell's pg_wal/* names, too.
bool IsBookkeeping(const std::filesystem::path& directory) {
  const std::string name = directory.filename().string();
  return name == "archive_status" || name == "summaries" || name == "pg_pitr.spool" || name == "lost+found";
}

Status NoSuchFile(const std::filesystem::path& path) {
  Status status(Code::kNotFound, "\"" + path.string() + "\" does not exist");
  if (path.string().find_first_of("*?[") == std::string::npos) return status;
  const std::string parent = path.parent_path().string();
  return std::move(status)
      .WithDetail(
          "The shell found nothing that fits the pattern: often because the one who typed it may not read the "
          "directory, as only the command runs as another user.")
      .WithHint("Name the directory: pg_pitr wal-push " + (parent.empty() ? "." : parent));
}

// History files come first, so that nobody finds a timeline without knowing where it comes from.
Result<PushSelection> SelectFiles(const Repository& repository, const std::vector<std::string>& paths,
                                  const OpContext& ctx) {
  Selector selector(repository, ctx);
  for (const std::string& text : paths) {
    std::filesystem::path path(text);
    if (!path.has_filename() && path.has_parent_path()) path = path.parent_path();  // "pg_wal/"
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) {
      if (status.type() == std::filesystem::file_type::not_found) return NoSuchFile(path);
      return Status(error == std::errc::permission_denied ? Code::kPermission : Code::kUnavailable,
                    "could not look at \"" + text + "\": " + error.message());
    }
    if (!std::filesystem::is_directory(status)) {
      PITR_TRY(selector.Select(path, /*named=*/true));
    } else if (IsBookkeeping(path)) {
      selector.PassOver();
    } else {
      PITR_TRY(selector.SelectFromDirectory(path));
    }
  }
  PushSelection selection = selector.Take();
  std::stable_sort(selection.files.begin(), selection.files.end(), [](const PushFile& a, const PushFile& b) {
    const bool a_history = a.kind == WalFileKind::kHistory, b_history = b.kind == WalFileKind::kHistory;
    return a_history != b_history ? a_history : a.name < b.name;
  });
  return selection;
}

const char* Noun(WalFileKind kind, bool one) {
  switch (kind) {
    case WalFileKind::kSegment:
      return one ? "segment" : "segments";
    case WalFileKind::kPartial:
      return one ? "unfinished segment" : "unfinished segments";
    case WalFileKind::kHistory:
      return one ? "history file" : "history files";
    case WalFileKind::kBackupHistory:
      return one ? "backup history file" : "backup history files";
  }
  return "";
}

// "12 segments, 1 unfinished segment"; "nothing".
std::string Counts(const std::map<WalFileKind, size_t>& counts) {
  std::string text;
  for (const auto& [kind, count] : counts)
    text += (text.empty() ? "" : ", ") + DescribeCount(count, Noun(kind, true), Noun(kind, false));
  return text.empty() ? "nothing" : text;
}

std::string OutcomeText(const Outcome& outcome) {
  std::string text = outcome.result.already_there ? "already in the archive" : "archived";
  if (outcome.result.partial_until) {
    text = "unfinished, up to " + outcome.result.partial_until->ToString() +
           (outcome.result.already_there ? ": the archive has as much of it, or more" : ": archived as that");
  }
  return outcome.name + ": " + text + "\n";
}

nlohmann::ordered_json OutcomeJson(const Outcome& outcome) {
  nlohmann::ordered_json end, problem;
  if (outcome.result.partial_until) end = outcome.result.partial_until->ToString();
  if (!outcome.status.ok()) problem = outcome.status.ToString();
  return {{"name", outcome.name},
          {"state", !outcome.status.ok()           ? "failed"
                    : outcome.result.already_there ? "already there"
                                                   : "archived"},
          {"partial_until", end},
          {"bytes", outcome.result.plain_bytes},
          {"stored_bytes", outcome.result.stored_bytes},
          {"problem", problem}};
}

Status ErrorOf(const std::vector<Outcome>& outcomes, size_t failed) {
  for (const Outcome& outcome : outcomes) {
    if (outcome.status.ok()) continue;
    return {outcome.status.code() == Code::kInvalidArgument ? Code::kConflict : outcome.status.code(),
            DescribeCount(failed, "file", "files") + " could not be archived"};
  }
  if (!outcomes.empty()) return Status::Ok();
  return Status(Code::kNotFound, "there was nothing to archive")
      .WithDetail("None of the files named is a WAL file that is finished and has something in it.")
      .WithHint("Name the pg_wal directory of the old server, or files in it.");
}

Reply MakePushReply(const PushSelection& selection, const std::vector<Outcome>& outcomes, bool quiet, int64_t millis) {
  std::map<WalFileKind, size_t> pushed, there;
  size_t failed = 0, archived = 0;
  uint64_t bytes = 0;
  Reply reply;
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& outcome = outcomes[i];
    files.push_back(OutcomeJson(outcome));
    if (!outcome.status.ok()) {
      ++failed;
      PrintError(outcome.status);
      continue;
    }
    const WalFileKind kind = outcome.result.partial_until ? WalFileKind::kPartial : selection.files[i].kind;
    ++(outcome.result.already_there ? there : pushed)[kind];
    archived += outcome.result.already_there ? 0 : 1;
    bytes += outcome.result.plain_bytes;
    if (!quiet) reply.text += OutcomeText(outcome);
  }
  std::string skipped;
  if (selection.for_reuse > 0)
    skipped += DescribeCount(selection.for_reuse, "segment kept for reuse, which holds nothing",
                             "segments kept for reuse, which hold nothing");
  if (selection.written > 0)
    skipped += (skipped.empty() ? "" : ", ") + DescribeCount(selection.written, "segment that its server is writing",
                                                             "segments that their servers are writing");
  if (selection.others > 0)
    skipped += (skipped.empty() ? "" : ", ") +
               DescribeCount(selection.others, "name that is no WAL file's", "names that are no WAL files'");
  const std::string rate = DescribeRate(bytes, millis);
  reply.text += "archived: " + Counts(pushed) + "\nalready there: " + Counts(there) +
                "\nfailed: " + std::to_string(failed) + "\npassed over: " + (skipped.empty() ? "nothing" : skipped) +
                "\ntook: " + DescribeMillis(millis) +
                (rate.empty() ? "" : ", " + DescribeBytes(bytes) + " at " + rate) + "\n";
  reply.json = {{"archived", archived}, {"already_there", outcomes.size() - failed - archived},
                {"failed", failed},     {"passed_over", selection.for_reuse + selection.written + selection.others},
                {"bytes", bytes},       {"milliseconds", millis},
                {"files", files}};
  reply.error = ErrorOf(outcomes, failed);
  return reply;
}

// Whether its server has handed it to its archiver.
bool IsHandedOver(const PushFile& file) {
  const std::string mark = (std::filesystem::path(file.path).parent_path() / "archive_status" / file.name).string();
  return access((mark + ".ready").c_str(), F_OK) == 0 || access((mark + ".done").c_str(), F_OK) == 0;
}

void NoteServers(std::vector<PushFile>& files) {
  std::map<std::string, std::string> servers;  // by directory
  for (PushFile& file : files) {
    if (file.kind != WalFileKind::kSegment || IsHandedOver(file)) continue;
    const std::string directory = std::filesystem::path(file.path).parent_path().string();
    const auto [known, added] = servers.try_emplace(directory);
    if (added) known->second = ServerWritingTo(directory.empty() ? "." : directory);
    file.server = known->second;
  }
}

// Of a directory all is meant that is finished.
void PassOverWritten(PushSelection& selection, std::vector<Outcome>& outcomes) {
  for (size_t i = outcomes.size(); i-- > 0;) {
    if (!outcomes[i].status.ok() || !outcomes[i].result.being_written) continue;
    outcomes.erase(outcomes.begin() + static_cast<ptrdiff_t>(i));
    selection.files.erase(selection.files.begin() + static_cast<ptrdiff_t>(i));
    selection.written++;
  }
}

// Behind an object that says where its timeline ended, the segment that goes on would be refused.
Status StillWritten(const PushFile& file) {
  return Status(Code::kConflict, file.name + " was not stored: its server is still writing it")
      .WithDetail(file.server)
      .WithHint(
          "The server archives it when it is full; SELECT pg_switch_wal() ends it now. If no server runs there, "
          "remove its postmaster.pid.");
}

Status PushOne(const Repository& repository, const PushFile& file, Outcome& outcome, const OpContext& ctx) {
  outcome.name = file.name;
  auto pushed =
      PushWalFile(repository, file.name, file.path, ctx, {.left_behind = true, .server_runs = !file.server.empty()});
  if (pushed.ok()) outcome.result = pushed.value();
  outcome.status = std::move(pushed).status();
  if (outcome.result.being_written) {
    if (file.named) outcome.status = StillWritten(file);
    return ctx.Check();
  }
  // An aid to incremental backups, which do without.
  if (outcome.status.ok() && !outcome.result.partial_until && WantsChangeMap(repository, file.name))
    static_cast<void>(MakeChangeMap(repository, file.name, file.path, ctx));
  return ctx.cancelled() ? ctx.Check() : Status::Ok();
}

// Those that say of no cluster whose they are, and must not be stored. What is refused is an outcome.
Status RefuseForeignTexts(const Repository& repository, std::span<const PushFile> files, std::span<Outcome> outcomes,
                          bool force, const OpContext& ctx) {
  WalOwnerFinder owners(repository);
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].kind != WalFileKind::kHistory && files[i].kind != WalFileKind::kBackupHistory) continue;
    const std::string directory = std::filesystem::path(files[i].path).parent_path().string();
    outcomes[i].name = files[i].name;
    outcomes[i].status = owners.Check(directory, files[i].name, force, ctx);
    PITR_TRY(ctx.Check());
  }
  return Status::Ok();
}

// What the archive has another content of, by timeline: the first file; the history file is before all segments.
struct Foreign {
  SegmentNo from;
  std::string name;
};
using ForeignTimelines = std::map<Timeline, Foreign>;

void NoteForeign(const Repository& repository, const PushFile& file, const Status& status, ForeignTimelines& foreign) {
  const auto parsed = ParseWalFileName(file.name, repository.segment_size());
  if (status.code() != Code::kConflict || !parsed || parsed->kind == WalFileKind::kBackupHistory) return;
  // Another cluster's says nothing of this one's timelines.
  const auto owner = OwnerOfSegment(file.path);
  if (owner && *owner != repository.marker().cluster.system_id) return;
  const SegmentNo from = parsed->kind == WalFileKind::kHistory ? SegmentNo{0} : parsed->segment;
  const auto [known, added] = foreign.try_emplace(parsed->timeline, Foreign{from, file.name});
  if (!added && from < known->second.from) known->second = {from, file.name};
}

// What `file` goes on behind of another server's: on its own timeline, or on one that leads to it. nullptr: nothing.
const Foreign* FindForeign(const WalFileName& name, const TimelineHistory* history, uint32_t segment_size,
                           const ForeignTimelines& foreign) {
  if (const auto own = foreign.find(name.timeline); own != foreign.end() && own->second.from <= name.segment)
    return &own->second;
  if (history == nullptr) return nullptr;
  for (const TimelineEntry& entry : history->entries()) {
    const auto found = foreign.find(entry.timeline);
    if (entry.timeline == name.timeline || found == foreign.end()) continue;
    if (found->second.from <= SegmentOf(entry.end, segment_size)) return &found->second;
  }
  return nullptr;
}

// Those that the archive has are compared before anything is added: behind what differs there is another server's
// timeline of the same number, which is not to be mixed with this one's, nor is what goes on from it.
Status PushSegments(const Repository& repository, std::span<const PushFile> files, std::span<Outcome> outcomes,
                    ForeignTimelines foreign, const OpContext& ctx) {
  const uint32_t segment_size = repository.segment_size();
  std::vector<std::string> names;
  for (const PushFile& file : files)
    if (file.kind == WalFileKind::kSegment) names.push_back(file.name);
  PITR_ASSIGN(const std::vector<std::string> absent, NotArchived(repository, names, ctx));
  const std::set<std::string> to_add(absent.begin(), absent.end());
  const auto push = [&](bool add) {
    return ParallelFor(repository.config().archive_jobs, files.size(), ctx, [&](size_t i, int) {
      if (to_add.contains(files[i].name) != add || !outcomes[i].status.ok()) return Status::Ok();
      return PushOne(repository, files[i], outcomes[i], ctx);
    });
  };
  PITR_TRY(push(false));
  for (size_t i = 0; i < files.size(); ++i) NoteForeign(repository, files[i], outcomes[i].status, foreign);
  HistoryFinder histories(repository, ctx);  // those of another directory may have just been stored
  for (size_t i = 0; i < files.size(); ++i) {
    const auto name = ParseWalFileName(files[i].name, segment_size);
    if (foreign.empty() || !to_add.contains(files[i].name) || !name) continue;
    const std::string directory = std::filesystem::path(files[i].path).parent_path().string();
    PITR_ASSIGN(const TimelineHistory* history, histories.Find(directory, name->timeline));
    const Foreign* before = FindForeign(*name, history, segment_size, foreign);
    if (before == nullptr) continue;
    outcomes[i].name = files[i].name;
    outcomes[i].status = Status(Code::kConflict, files[i].name + " was not stored: it follows " + before->name +
                                                     ", of which the archive has another content")
                             .WithHint(
                                 "Another server wrote that timeline. Keep these files; if they matter more, push them "
                                 "into a repository of their own.");
  }
  return push(true);
}

// The archiver of a copy holds back what it wrote; by hand, or from an archive_command, it is not to get there either.
Status CheckWhose(const Repository& repository, const std::vector<PushFile>& files, const OpContext& ctx) {
  std::map<std::string, Timeline> newest;  // by where the files say whose they are
  for (const PushFile& file : files) {
    Timeline& timeline = newest[WalOrigin(std::filesystem::path(file.path).parent_path()).string()];
    timeline = std::max(timeline, file.timeline);
  }
  for (const auto& [origin, timeline] : newest) {
    auto found = FindCopysWal(repository, origin, ctx);
    if (!found.ok())
      return std::move(found)
          .status()
          .Annotate("finding out whose WAL it is")
          .WithHint("Mend that, or push it all the same with --force.");
    const std::optional<CopysWal>& copys = found.value();
    if (!copys || copys->why.ok() || !(copys->after < timeline)) continue;
    return Status(Code::kConflict, "WAL of timeline " + std::to_string(timeline.value) +
                                       ", of a copy made by the restore of " + FormatToSecond(copys->restored_micros) +
                                       ", was not stored")
        .WithDetail(copys->why.detail() + " What it wrote would look like production's history to every recovery.")
        .WithHint(
            "If its server takes over, see to it that the other one never runs again, and run: pg_pitr take-over -D " +
            origin + ", then this again. To store the WAL without that: --force.");
  }
  return Status::Ok();
}

Result<Reply> RunWalPush(const Invocation& invocation, const PushOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository(SettingsFor::kStoring));
  const OpContext& ctx = session.ctx();
  const int64_t begun = ctx.clock->SteadyMillis();
  PITR_ASSIGN(PushSelection selection, SelectFiles(*repository, options.paths, ctx));
  NoteServers(selection.files);
  const std::vector<PushFile>& files = selection.files;
  if (!options.force) PITR_TRY(CheckWhose(*repository, files, ctx));
  std::vector<Outcome> outcomes(files.size());
  // One that fails must not keep the others from being saved, so a failure is an outcome and not the end.
  PITR_TRY(RefuseForeignTexts(*repository, files, outcomes, options.force, ctx));
  size_t first_segment = 0;
  ForeignTimelines foreign;
  for (; first_segment < files.size() && files[first_segment].kind == WalFileKind::kHistory; ++first_segment) {
    if (!outcomes[first_segment].status.ok()) continue;
    PITR_TRY(PushOne(*repository, files[first_segment], outcomes[first_segment], ctx));
    NoteForeign(*repository, files[first_segment], outcomes[first_segment].status, foreign);
  }
  PITR_TRY(PushSegments(*repository, std::span(files).subspan(first_segment),
                        std::span(outcomes).subspan(first_segment), std::move(foreign), ctx));
  PITR_TRY(CheckIdentity(*repository, /*keys=*/true, ctx));
  PassOverWritten(selection, outcomes);
  return MakePushReply(selection, outcomes, options.quiet, ctx.clock->SteadyMillis() - begun);
}

}  // namespace

void AddWalPush(CLI::App& app, Invocation& invocation) {
  auto* verb =
      app.add_subcommand("wal-push", "Archive WAL files by hand: of a server that is gone, or what is missing");
  verb->footer(
      "The last transactions of a crashed server may be in its pg_wal only. Save them before anything else:\n"
      "  pg_pitr wal-push /var/lib/postgresql/15/main/pg_wal\n"
      "What is already there and identical is left alone; different content under the same name is an error and "
      "nothing is overwritten. A running server archives by itself; beside one, push from its pg_wal what the archive "
      "lacks, after a gap; the segment that it is writing is left to it.\n"
      "The last, unfinished segment is archived as what it is: a recovery to the end of its timeline replays it, and "
      "when its server comes back, the whole segment takes its place. Names that do not exist are errors, and so is it "
      "when nothing is there to be "
      "archived.");
  AddConfigOption(*verb, invocation);
  AddJsonOption(*verb, invocation);
  auto options = std::make_shared<PushOptions>();
  verb->add_option("files", options->paths, "pg_wal, or files of it")->required()->type_name("FILE");
  verb->add_flag("--force", options->force,
                 "Although a copy of the cluster wrote them, which lives beside it, or what is beside a history file "
                 "does not tell that it is this cluster's");
  verb->add_flag("-q,--quiet", options->quiet, "Print the sum only");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return GiveReply(invocation, RunWalPush(invocation, *options)); };
  });
}

}  // namespace pitr::cli

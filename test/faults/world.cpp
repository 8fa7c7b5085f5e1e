#include "faults/world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/log.h"
#include "core/config/settings_file.h"
#include "core/pg/wal_name.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/restore/restorer.h"
#include "faults/power.h"
#include "unit/pg/wal_builder.h"

namespace pitr::faults {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// Written by the server or the restore, not part of the backup.
bool IsSettled(const std::string& path) { return path == "postgresql.auto.conf"; }

}  // namespace

std::string SegmentName(uint64_t number) { return SegmentFileName({1}, {number}, kSegmentBytes); }

World::World(StoreKind store, const std::string& layer, uint64_t seed)
    : root_(scratch_.path()), layer_(layer), random_(seed) {
  for (const char* name : {"watched", "wal", "graves"}) fs::create_directory(root_ + "/" + name);
  std::ofstream conf(settings());
  if (store == StoreKind::kS3) {
    s3_ = std::make_unique<test::LoopbackS3>("bucket");
    std::ofstream(root_ + "/key") << "access_key_id = A\nsecret_access_key = S\n";
    chmod((root_ + "/key").c_str(), 0600);
    conf << "pg_pitr.repository = 's3://bucket/orders'\npg_pitr.s3_endpoint = '" << s3_->url()
         << "'\npg_pitr.s3_addressing = 'path'\n"
         << "pg_pitr.s3_credentials_file = '" << root_ << "/key'\n";
  } else {
    conf << "pg_pitr.repository = 'file://" << At("repository") << "'\n";
  }
  conf << "pg_pitr.retention_full = " << kKeptFulls
       << "\npg_pitr.retention_monthly = '10 years'\npg_pitr.request_timeout = 1s\npg_pitr.retry_timeout = 2s\n"
       << "pg_pitr.part_size = 5MB\npg_pitr.pack_size = 16MB\npg_pitr.compression_level = 1\n";
  conf.close();
  tree_.Add("base/5/16384", test::MakePages(0, 60, 1));
  tree_.Add("base/5/16385", test::MakePages(0, 3, 2));
  tree_.Add("base/5/16386", {});
  tree_.Add("pg_xact/0000", test::MakeBytes(8192, 3));
  const auto config = LoadSettingsFile(settings());
  const auto made = OpenOrCreateRepository(config.value(), tree_.identity(), NullLog(), OpContext());
  if (!made.ok()) {
    fprintf(stderr, "%s\n", made.status().ToString().c_str());
    exit(2);
  }
  next_segment = 16;
}

Outcome World::Run(const std::vector<std::string>& arguments, const std::string& fault, int64_t max_seconds) {
  const std::string output = root_ + "/output", count = root_ + "/count";
  fs::remove(count);
  const pid_t child = fork();
  if (child == 0) {
    setenv("LD_PRELOAD", layer_.c_str(), 1);
    setenv("FAULT_ROOT", Watched().c_str(), 1);
    setenv("FAULT_JOURNAL", (root_ + "/journal").c_str(), 1);
    setenv("FAULT_GRAVES", (root_ + "/graves").c_str(), 1);
    setenv("FAULT_COUNT", count.c_str(), 1);
    if (s3_ != nullptr) setenv("FAULT_SOCKETS", "1", 1);
    if (!fault.empty()) setenv("FAULT", fault.c_str(), 1);
    const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, 1);
    dup2(out, 2);
    std::vector<char*> argv = {const_cast<char*>("pitr_faults"), const_cast<char*>("--child")};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv("/proc/self/exe", argv.data());
    _exit(127);
  }
  Outcome outcome{.status = -1};
  int status = 0;
  for (int64_t waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == max_seconds * 500) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      outcome.text = "it did not end within " + std::to_string(max_seconds) + " s\n" + ReadText(output);
      return outcome;
    }
    usleep(2000);
  }
  outcome.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  outcome.text = ReadText(output);
  outcome.calls = atol(ReadText(count).c_str());
  return outcome;
}

Bytes World::SegmentBytes(uint64_t number) const {
  WalBuilder wal(15, {number * kSegmentBytes});
  for (uint64_t i = 0; i < 3 + number % 5; i++) wal.AddFiller(100 + (number * 7919 + i * 104729) % 20000);
  wal.Switch();
  Bytes bytes = wal.Segment({number});
  StoreLe(&bytes[24], tree_.identity().system_id.value);
  return bytes;
}

std::string World::SegmentFile(uint64_t number) {
  const std::string path = root_ + "/wal/" + SegmentName(number);
  const Bytes bytes = SegmentBytes(number);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

void World::ChangeData() {
  const auto seed = static_cast<uint32_t>(random_());
  tree_.Add("base/5/16384", test::MakePages(0, 40 + seed % 40, seed));
  if (seed % 3 == 0) tree_.Add("base/5/" + std::to_string(17000 + seed % 5), test::MakePages(0, 1 + seed % 3, seed));
}

std::map<std::string, Bytes> World::DataNow() {
  std::map<std::string, Bytes> files;
  for (const auto& [path, expected] : tree_.expected()) files[path] = expected.data;
  return files;
}

std::string World::Cut() {
  const PowerCut cut = CutPower(Watched(), root_ + "/journal", root_ + "/graves", random_);
  return std::to_string(cut.files_lost) + " files and " + std::to_string(cut.changes_lost) + " names lost";
}

void World::NoteKept() {
  size_t fulls = 0;
  for (size_t i = backups.size(); i-- > 0 && fulls < kKeptFulls;) {
    if (!backups[i].full) continue;
    fulls++;
    first_kept = i;
    first_segment = backups[i].first_segment;
  }
  if (fulls < kKeptFulls) first_kept = 0;
}

size_t World::ChooseBackup() {
  std::vector<size_t> choice;
  for (size_t i = first_kept; i < backups.size(); i++)
    if (backups[i].acknowledged) choice.push_back(i);
  return choice[Below(choice.size())];
}

std::string World::CheckSegment(const Repository& repository, uint64_t number) {
  const auto bytes = FetchWalBytes(repository, SegmentName(number), OpContext());
  if (!bytes.ok()) return "segment " + SegmentName(number) + " was acknowledged: " + bytes.status().ToString();
  return bytes.value() == SegmentBytes(number) ? "" : "segment " + SegmentName(number) + " is not what was archived";
}

std::string World::CheckBackup(const Repository& repository, const Backup& backup) {
  RestorePlan plan;
  auto manifest = ReadManifest(repository, backup.label, OpContext());
  if (!manifest.ok()) return "backup " + backup.label + " was acknowledged: " + manifest.status().ToString();
  plan.backup = std::move(manifest).value();
  plan.target_timeline = Timeline{1};
  RestoreOptions options;
  options.data_directory = root_ + "/checked";
  options.hold = {};
  Progress progress;
  const auto restored = RunRestore(repository, plan, options, progress, OpContext());
  std::string wrong = restored.ok() ? CheckRestored(options.data_directory, backup, true)
                                    : "backup " + backup.label + " cannot be restored: " + restored.status().ToString();
  fs::remove_all(options.data_directory);
  return wrong;
}

std::string World::CheckRestored(const std::string& directory, const Backup& backup, bool done) {
  if (!fs::exists(directory + "/global/pg_control")) return done ? "restored, but there is no pg_control" : "";
  for (const auto& [path, bytes] : backup.files) {
    if (IsSettled(path)) continue;
    if (ReadText(directory + "/" + path) != AsText(bytes))
      return (done ? "restored, but \"" : "pg_control is there, but \"") + path + "\" is not what was backed up as " +
             backup.label;
  }
  if (!fs::exists(directory + "/backup_label")) return "pg_control is there, but no backup_label";
  return "";
}

std::string World::Check(bool all) {
  const auto config = LoadSettingsFile(settings());
  const auto repository = OpenRepository(config.value(), NullLog(), OpContext());
  if (!repository.ok()) return "the repository does not open: " + repository.status().ToString();
  std::set<uint64_t> segments;
  std::set<size_t> checked;
  if (next_segment > first_segment) {
    for (uint64_t at = all ? first_segment : next_segment - 1; at < next_segment; at++) segments.insert(at);
    segments.insert(first_segment + Below(next_segment - first_segment));
  }
  for (size_t i = first_kept; i < backups.size(); i++)
    if (all && backups[i].acknowledged) checked.insert(i);
  size_t newest = backups.size() - 1;
  while (!backups[newest].acknowledged) newest--;
  // The first one is its month's.
  checked.insert({newest, ChooseBackup(), 0});
  for (const uint64_t segment : segments)
    if (std::string wrong = CheckSegment(*repository.value(), segment); !wrong.empty()) return wrong;
  for (const size_t backup : checked)
    if (std::string wrong = CheckBackup(*repository.value(), backups[backup]); !wrong.empty()) return wrong;
  return "";
}

}  // namespace pitr::faults

// Anything as a file that is found in a data directory: settings, what a restore left, what a server left.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/bytes.h"
#include "core/base/secret_file.h"
#include "core/repo/opening/known_repository.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/directory_server.h"
#include "core/restore/recovery_settings.h"
#include "core/restore/restore_mark.h"
#include "core/restore/restore_state.h"
#include "core/restore/timeline_fork.h"
#include "core/restore/wal_spool.h"
#include "fuzz/target.h"

namespace {

// A directory in memory that lives as long as the process.
struct FuzzedDirectory {
  std::string path = access("/dev/shm", W_OK) == 0 ? "/dev/shm/pg_pitr-fuzz-XXXXXX" : "/tmp/pg_pitr-fuzz-XXXXXX";
  FuzzedDirectory() {
    if (mkdtemp(path.data()) == nullptr) abort();
    mkdir((path + "/pg_wal").c_str(), 0700);
  }
  ~FuzzedDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

// What a person wrote in postgresql.auto.conf stays, and the settings of a restore can be taken out again.
PITR_FUZZ_TARGET(auto_conf)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string existing(AsText({data, size}));
  RecoverySettings settings;
  settings.target_timeline = Timeline{1};
  settings.restore_command = "pg_pitr wal-get \"%f\" \"%p\"";
  settings.needed = {{"max_connections", "300"}};
  const std::string edited = EditAutoConf(existing, settings);
  if (SettingIn(edited, "restore_command") != settings.restore_command && !SettingIn(edited, "max_connections").empty())
    abort();
  const std::string twice = EditAutoConf(edited, settings);
  if (SettingIn(twice, "restore_command") != SettingIn(edited, "restore_command")) abort();
  const std::string without = RemoveSettings(edited, RecoverySettingList(settings, existing));
  if (SettingIn(without, "restore_command") == settings.restore_command) abort();
  for (const char* name : {"restore_command", "max_connections", "recovery_target_time"})
    (void)SettingIn(existing, name);
  if (const auto quoted = QuoteSetting(existing);
      quoted.ok() && SettingIn("a = " + quoted.value() + "\n", "a") != existing)
    abort();
  (void)QuoteForRestoreCommand(existing);
  (void)RecoveryEndCommand("pg_pitr", existing);
  return 0;
}

// A file that a person wrote a secret into: taken is one line, or nothing.
PITR_FUZZ_TARGET(secret_file)(const uint8_t* data, size_t size) {
  using namespace pitr;
  static FuzzedDirectory directory;
  const std::string path = directory.path + "/secret";
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  chmod(path.c_str(), 0600);
  const auto secret = ReadSecretFile(path, "secret file");
  if (!secret.ok()) return 0;
  const std::string_view taken = secret.value().view();
  if (taken.empty() || taken.size() > kMaxSecretBytes || !AsText({data, size}).starts_with(taken)) abort();
  if (taken.find('\n') != taken.npos || size - taken.size() > 2) abort();
  return 0;
}

// What the other processes of a recovery are told by files in the spool. The first byte chooses the file.
PITR_FUZZ_TARGET(spool)(const uint8_t* data, size_t size) {
  using namespace pitr;
  static FuzzedDirectory directory;
  static constexpr const char* kFiles[] = {"request", "source", "outage", "lock"};
  if (size < 1) return 0;
  const WalSpool spool(directory.path, directory.path + "/pg_wal/spool", directory.path + "/pg_pitr.conf");
  mkdir(spool.directory().c_str(), 0700);
  std::ofstream(spool.directory() + "/" + kFiles[data[0] % std::size(kFiles)], std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  const auto held = HeldSpool::Take(spool);
  if (!held.ok()) abort();
  const std::string name = held.value().LastRequest();
  if (!name.empty() && !IsSpooledName(name)) abort();
  (void)spool.NoteOutage();
  (void)spool.HasOutage();
  // Whatever "source" says, it is not what this process would have written, unless it is just that.
  const std::string segment = "000000010000000000000001", destination = directory.path + "/taken";
  if (!held.value().Store(segment, "content").ok() || held.value().Segments() != std::vector<std::string>{segment})
    abort();
  if (spool.Take(segment, destination) && data[0] % std::size(kFiles) != 1) abort();
  held.value().Remove();
  unlink(destination.c_str());
  return 0;
}

PITR_FUZZ_TARGET(directory_files)(const uint8_t* data, size_t size) {
  using namespace pitr;
  static FuzzedDirectory directory;
  static constexpr const char* kNames[] = {"pg_pitr.restored", "pg_pitr.restore", "pg_pitr.repository",
                                           "postmaster.pid", "pg_wal/00000002.history"};
  if (size < 1) return 0;
  const std::string path = directory.path + "/" + kNames[data[0] % std::size(kNames)];
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  if (auto tree = ClusterTree::Open(directory.path); tree.ok()) {
    (void)ReadRestoreState(tree.value());
    if (const auto mark = ReadRestoreMark(tree.value()); mark.ok() && mark.value()) {
      if (!WriteRestoreMark(tree.value(), *mark.value()).ok()) abort();
      const auto again = ReadRestoreMark(tree.value());
      if (!again.ok() || !again.value() || again.value()->newest != mark.value()->newest) abort();
    }
    (void)NewestFork(tree.value(), Timeline{1});
    (void)InspectServer({data + 1, size - 1}, tree.value().data_fd());
  }
  (void)CheckKnownRepository("file:///fuzz", directory.path);
  (void)RestoredKnownRepositories(std::string(AsText({data + 1, size - 1})));
  (void)IsSpooledName(AsText({data + 1, size - 1}));
  (void)DataDirectoryOf(std::string(AsText({data + 1, size - 1})));
  unlink(path.c_str());
  return 0;
}

#include "core/restore/directory_server.h"

#include <fcntl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <vector>

#include "core/base/process_name.h"

namespace pitr {
namespace {

constexpr size_t kPidLineOfPid = 0;
constexpr size_t kPidLineOfSharedMemory = 6;
constexpr size_t kMaxPidFileBytes = 8192;

std::vector<std::string> Lines(ByteView content) {
  std::vector<std::string> lines(1);
  for (uint8_t c : content) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(c);
    }
  }
  return lines;
}

template <class T>
std::optional<T> Number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || (end != text.data() + text.size() && *end != ' ')) return std::nullopt;
  return value;
}

// A process with this number exists, and nothing shows that it works elsewhere: a server's working directory is its
// data directory.
bool IsServerProcess(pid_t pid, int directory) {
  if (pid <= 0 || !MayRun(pid)) return false;
  struct stat its, ours;
  const std::string its_directory = "/proc/" + std::to_string(pid) + "/cwd";
  if (stat(its_directory.c_str(), &its) != 0 || fstat(directory, &ours) != 0) return true;
  return its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

// Line 7 of postmaster.pid: key and number of the server's shared memory.
bool SharedMemoryInUse(const std::string& line) {
  const size_t space = line.find_first_not_of(' ');
  if (space == std::string::npos) return false;
  const size_t gap = line.find(' ', space);
  if (gap == std::string::npos) return false;
  const auto key = Number<unsigned long>(std::string_view(line).substr(space));
  const size_t second = line.find_first_not_of(' ', gap);
  const auto id = second == std::string::npos ? std::nullopt : Number<int>(std::string_view(line).substr(second));
  if (!key || !id) return false;
  struct shmid_ds info;
  if (shmctl(*id, IPC_STAT, &info) != 0) return false;
  return static_cast<unsigned long>(static_cast<uint32_t>(info.shm_perm.__key)) == *key && info.shm_nattch > 0;
}

}  // namespace

ServerProcess InspectServer(ByteView pid_file, int directory) {
  ServerProcess server;
  const auto lines = Lines(pid_file);
  // A standalone backend writes its number negative.
  if (const auto pid = Number<int>(lines[kPidLineOfPid])) server.pid = std::abs(*pid);
  server.running = IsServerProcess(server.pid, directory);
  server.memory_in_use =
      !server.running && lines.size() > kPidLineOfSharedMemory && SharedMemoryInUse(lines[kPidLineOfSharedMemory]);
  return server;
}

RecoveryRole RoleOf(const std::string& data_directory) {
  const UniqueFd directory(open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) return RecoveryRole::kNone;
  const bool standby = faccessat(directory.get(), "standby.signal", F_OK, 0) == 0;
  const bool recovery = faccessat(directory.get(), "recovery.signal", F_OK, 0) == 0;
  const UniqueFd file(openat(directory.get(), "postmaster.pid", O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return RecoveryRole::kNone;
  Bytes content(kMaxPidFileBytes);
  const ssize_t got = read(file.get(), content.data(), content.size());
  if (got <= 0) return RecoveryRole::kNone;
  content.resize(static_cast<size_t>(got));
  if (!InspectServer(content, directory.get()).running) return RecoveryRole::kNone;
  return standby ? RecoveryRole::kStandby : recovery ? RecoveryRole::kRecovery : RecoveryRole::kEnded;
}

bool IsRecovering(const std::string& data_directory) {
  // Most directories are those of no recovery, which is seen without looking at processes.
  if (access((data_directory + "/recovery.signal").c_str(), F_OK) != 0 &&
      access((data_directory + "/standby.signal").c_str(), F_OK) != 0)
    return false;
  const RecoveryRole role = RoleOf(data_directory);
  return role == RecoveryRole::kRecovery || role == RecoveryRole::kStandby;
}

bool IsPromotionRequested(const std::string& data_directory) {
  return access((data_directory + "/promote").c_str(), F_OK) == 0;
}

}  // namespace pitr

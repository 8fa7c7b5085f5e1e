// pg_pitr_wal_get: the restore_command that "pg_pitr restore" writes. Takes a segment that was fetched ahead, which is
// a rename, and leaves everything else to "pg_pitr wal-get", with the same arguments.
//
// The server waits for every segment, and pg_pitr needs several milliseconds to load some forty libraries before it
// does anything. So this program links nothing but what it uses, and the C++ library statically.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/settings_path.h"
#include "core/restore/wal_spool.h"

namespace pitr::cli {
namespace {

constexpr const char* kSuffix = "_wal_get";  // this program's name is the other's with it

struct Arguments {
  std::string config;
  std::string name;
  std::string path;
};

// Only the forms that a restore_command has: --config FILE [--partial SEGMENT] NAME PATH.
std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments arguments;
  int at = 1;
  if (argc > 2 && (std::strcmp(argv[1], "--config") == 0 || std::strcmp(argv[1], "-c") == 0)) {
    arguments.config = argv[2];
    at = 3;
  }
  if (argc > at + 1 && std::strcmp(argv[at], "--partial") == 0) at += 2;
  if (argc != at + 2) return std::nullopt;
  arguments.name = argv[at];
  arguments.path = argv[at + 1];
  if (!IsSpooledName(arguments.name)) return std::nullopt;
  return arguments;
}

bool TakeAhead(const Arguments& arguments) {
  const auto spool = WalSpool::For(arguments.path, ConfigPath(arguments.config));
  // Without a prefetcher one has to be started, which is the other program's business.
  if (!spool || !spool->HasPrefetcher() || !spool->Take(arguments.name, arguments.path)) return false;
  spool->Request(arguments.name);
  return true;
}

int RunPgPitr(char** argv) {
  std::string program = ProgramPath();
  if (!program.ends_with(kSuffix)) {
    std::fprintf(stderr, "pg_pitr: error: \"%s\" is not named pg_pitr%s\n", program.c_str(), kSuffix);
    return kWalGetConfiguration;
  }
  program.resize(program.size() - std::strlen(kSuffix));
  std::string verb = "wal-get";
  std::vector<char*> arguments = {program.data(), verb.data()};
  for (char** next = argv + 1; *next != nullptr; ++next) arguments.push_back(*next);
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  std::fprintf(stderr, "pg_pitr: error: could not run \"%s\": %s\n", program.c_str(), std::strerror(errno));
  return kWalGetInternal;
}

}  // namespace
}  // namespace pitr::cli

int main(int argc, char** argv) {
  const auto arguments = argc > 0 ? pitr::cli::Parse(argc, argv) : std::nullopt;
  if (arguments && pitr::cli::TakeAhead(*arguments)) return 0;
  return pitr::cli::RunPgPitr(argv);
}

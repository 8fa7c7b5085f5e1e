// Writes the sample repositories of test/golden/repo-v1 below a directory that has none yet: pitr_golden_repository
// DIRECTORY. For a new format version, or a new kind of object in this one; what is committed is never written again.
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "core/repo/keyring.h"
#include "core/repo/wal_push.h"
#include "lib/golden_repository.h"

namespace {

using namespace pitr;

std::string WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  chmod(path.c_str(), 0600);
  return path;
}

Status WriteSample(const std::string& directory, bool encrypted) {
  Config config;
  config.repository = "file://" + directory + (encrypted ? "/encrypted" : "/plain");
  config.cluster_name = "golden";
  if (encrypted) config.passphrase_file = WriteFile(directory + "/passphrase", test::kGoldenPassphrase + "\n");
  const OpContext ctx;
  PITR_ASSIGN(const auto repository, Repository::OpenOrCreate(config, test::kGoldenCluster, NullLog(), ctx));
  if (encrypted) {
    PITR_ASSIGN([[maybe_unused]] const KeySlot slot, AddPassphrase(*repository, test::kGoldenSecondPassphrase, ctx));
  }
  for (const test::GoldenWal& wal : test::GoldenWalFiles()) {
    const std::string path = WriteFile(directory + "/" + wal.name, AsText(wal.bytes));
    PITR_ASSIGN([[maybe_unused]] const WalPushResult pushed, PushWalFile(*repository, wal.name, path, ctx));
    remove(path.c_str());
  }
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: pitr_golden_repository DIRECTORY\n");
    return 2;
  }
  for (bool encrypted : {false, true}) {
    const pitr::Status status = WriteSample(argv[1], encrypted);
    if (status.ok()) continue;
    fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}

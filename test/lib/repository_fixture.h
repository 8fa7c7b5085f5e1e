// A test fixture with repositories over a memory store.
#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/base/log.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"

namespace pitr::test {

inline const ClusterIdentity kCluster{{7123456789012345678u}, 1u << 20, 15};

class RepositoryTest : public testing::Test {
 protected:
  RepositoryTest() {
    char name[] = "/tmp/pg_pitr_repo_XXXXXX";
    dir_ = mkdtemp(name);
    config_.repository = "file://" + dir_ + "/repository";
    config_.cluster_name = "orders";
  }
  ~RepositoryTest() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, std::string_view bytes, mode_t mode = 0600) {
    const std::string path = dir_ + "/" + name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    chmod(path.c_str(), mode);
    return path;
  }
  Config Encrypted(const std::string& passphrase) {
    Config config = config_;
    config.passphrase_file = Write("passphrase-" + passphrase, passphrase + "\n");
    return config;
  }
  // Each call has a FaultyStore of its own around the one memory store; faults() is that of the last call.
  std::unique_ptr<ObjectStore> Store() {
    auto store = std::make_unique<FaultyStore>(memory_);
    faults_ = store.get();
    return store;
  }
  FaultyStore& faults() { return *faults_; }
  Result<std::unique_ptr<Repository>> OpenOrCreate(const Config& config, const ClusterIdentity& cluster = kCluster) {
    return OpenOrCreateRepositoryOn(Store(), config, cluster, NullLog(), ctx_);
  }
  Result<std::unique_ptr<Repository>> Open(const Config& config) {
    return OpenRepositoryOn(Store(), config, NullLog(), ctx_);
  }
  std::unique_ptr<Repository> MustOpenOrCreate(const Config& config, const ClusterIdentity& cluster = kCluster) {
    auto repository = OpenOrCreate(config, cluster);
    EXPECT_TRUE(repository.ok()) << (repository.ok() ? "" : repository.status().ToString());
    return repository.ok() ? std::move(repository).value() : nullptr;
  }

  std::string dir_;
  Config config_;
  MemoryStore memory_;
  FaultyStore* faults_ = nullptr;
  OpContext ctx_;
};

// "" when ok.
template <class T>
std::string TextOf(const Result<T>& result) {
  return result.ok() ? "" : result.status().ToString();
}

}  // namespace pitr::test

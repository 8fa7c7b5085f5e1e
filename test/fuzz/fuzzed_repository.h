// A repository in memory of which the fuzzer makes objects.
#pragma once
#include <cstdlib>
#include <memory>

#include "core/base/log.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "core/store/memory.h"

namespace pitr::fuzz {

struct FuzzedRepository {
  MemoryStore* memory = nullptr;
  std::unique_ptr<Repository> repository;

  FuzzedRepository() {
    auto store = std::make_unique<MemoryStore>();
    memory = store.get();
    Config config;
    config.repository = "file:///fuzz";
    auto opened = OpenOrCreateRepositoryOn(std::move(store), config, {{7123456789012345678u}, 1u << 20, 15}, NullLog(),
                                           OpContext());
    if (!opened.ok()) abort();
    repository = std::move(opened).value();
  }
};

}  // namespace pitr::fuzz

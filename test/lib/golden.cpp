#include "lib/golden.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <fstream>
#include <iterator>

namespace pitr {

std::string GoldenDirectory() { return std::string(PITR_SOURCE_DIR) + "/test/golden"; }

Bytes LoadGolden(const std::string& name) {
  const std::string path = GoldenDirectory() + "/" + name;
  std::ifstream file(path, std::ios::binary);
  Bytes stored{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_FALSE(stored.empty()) << path;
  if (!name.ends_with(".zst")) return stored;
  const unsigned long long size = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (size > (64u << 20)) {
    ADD_FAILURE() << path << " is not a zstd frame with its size";
    return {};
  }
  Bytes plain(size);
  const size_t got = ZSTD_decompress(plain.data(), plain.size(), stored.data(), stored.size());
  EXPECT_EQ(got, size) << path;
  return plain;
}

}  // namespace pitr

// The fixture of the conformance suite: a store of its own for each test, a deadline for every call, and bodies
// whose bytes can be told apart.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store_suite/stores.h"

namespace pitr::test {

// Bytes that no shift, cut or mix-up of parts leaves the same.
Bytes Pattern(size_t size, uint64_t seed);

class StoreSuite : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override;

  OpContext Ctx() const { return OpContext::WithTimeout(60000); }
  Status Create(const std::string& key, ByteView body) { return store_->Create(key, body, Ctx()); }
  Status CreateText(const std::string& key, std::string_view text = "x") { return Create(key, AsBytes(text)); }
  // The whole object, or a few bytes that say what went wrong.
  Bytes Read(const std::string& key);
  Result<Bytes> ReadRange(const std::string& key, ByteRange range);
  std::vector<std::string> Keys(const std::string& prefix, const std::string& start_after = "");
  // Sends `body` as parts of `part_bytes` one after another.
  Result<std::vector<UploadPart>> SendParts(const std::string& key, const std::string& id, ByteView body,
                                            size_t part_bytes);
  bool IsPending(const std::string& key, const std::string& id);

  std::unique_ptr<TestPlace> place_;
  std::unique_ptr<ObjectStore> store_;
};

#define EXPECT_OK(expr)                                                                 \
  do {                                                                                  \
    const ::pitr::Status expect_ok_status = (expr);                                     \
    EXPECT_TRUE(expect_ok_status.ok()) << #expr << ": " << expect_ok_status.ToString(); \
  } while (0)

// `expr` is a Status.
#define EXPECT_CODE(expr, expected)                                                    \
  do {                                                                                 \
    const ::pitr::Status expect_code_status = (expr);                                  \
    EXPECT_EQ(::pitr::CodeName(expect_code_status.code()), ::pitr::CodeName(expected)) \
        << #expr << ": " << expect_code_status.ToString();                             \
  } while (0)

}  // namespace pitr::test

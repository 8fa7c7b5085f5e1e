#include "core/survey/store_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"
#include "core/report/check_report.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"

namespace pitr {
namespace {

const CheckRow* Row(const std::vector<CheckRow>& rows, const std::string& part) {
  for (const CheckRow& row : rows)
    if (row.item.find(part) != std::string::npos) return &row;
  return nullptr;
}

TEST(StoreCheckTest, AStoreThatKeepsItsPromisesPassesAndIsLeftClean) {
  MemoryStore store;
  const auto rows = CheckStore(store, OpContext());
  EXPECT_TRUE(AllPassed(rows)) << CheckText(rows);
  EXPECT_EQ(rows.size(), 9U);
  EXPECT_TRUE(store.Keys().empty());
}

TEST(StoreCheckTest, AStoreThatReplacesIsNoticed) {
  MemoryStore inner;
  test::FaultyStore store(inner);
  int creations = 0;
  // The second creation under a key is refused, but has replaced what was there: the one thing a store must never do.
  store.OnCall([&](test::StoreOp op, const std::string& key) {
    if (op == test::StoreOp::kCreate && key.ends_with("/once") && ++creations == 2) inner.Replace(key, Bytes(100, 7));
  });
  const auto rows = CheckStore(store, OpContext());
  EXPECT_FALSE(AllPassed(rows));
  ASSERT_NE(Row(rows, "never replace"), nullptr);
  EXPECT_EQ(Row(rows, "never replace")->state, CheckState::kFailed);
  EXPECT_TRUE(inner.Keys().empty());
}

TEST(StoreCheckTest, WhatIsRefusedHasAHint) {
  MemoryStore inner;
  test::FaultyStore store(inner);
  store.Inject({.op = test::StoreOp::kList, .status = {Code::kPermission, "AccessDenied"}, .times = 1000});
  const auto rows = CheckStore(store, OpContext());
  const CheckRow* list = Row(rows, "store: list");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->state, CheckState::kFailed);
  EXPECT_NE(list->detail.find("AccessDenied"), std::string::npos);
  EXPECT_FALSE(list->hint.empty());
  EXPECT_NE(CheckText(rows).find("-> "), std::string::npos);
  EXPECT_EQ(CheckJson(rows)["passed"], false);
}

TEST(StoreCheckTest, APartInWhichNothingCanBeStoredFails) {
  class Parts final : public test::FaultyStore {
   public:
    using FaultyStore::FaultyStore;
    Status CheckPrefixes(const std::vector<std::string>& prefixes, const OpContext& /*ctx*/) override {
      asked = prefixes;
      return Status(Code::kInvalidArgument, "\"/r/data\" is on another file system").WithHint("Bring it back.");
    }
    std::vector<std::string> asked;
  };
  MemoryStore inner;
  Parts store(inner);
  const auto rows = CheckStore(store, OpContext());
  EXPECT_FALSE(AllPassed(rows));
  for (const char* prefix : {"data/", "wal/", "backup/", "change/", "sealed/"})
    EXPECT_EQ(std::count(store.asked.begin(), store.asked.end(), prefix), 1) << prefix;
  const CheckRow* row = Row(rows, "every part");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, CheckState::kFailed);
  EXPECT_EQ(row->detail, "\"/r/data\" is on another file system");
  EXPECT_EQ(row->hint, "Bring it back.");
  EXPECT_EQ(rows.size(), 10U);
}

TEST(StoreCheckTest, WithoutConditionalCreationThereIsAWarning) {
  MemoryStore store(MemoryStore::Options{.capabilities = {.conditional_create = false}});
  const auto rows = CheckStore(store, OpContext());
  EXPECT_TRUE(AllPassed(rows));
  EXPECT_EQ(Row(rows, "racing")->state, CheckState::kWarning);
}

TEST(StoreCheckTest, WhereSeveralRacersWinOnlyOneServerMayArchive) {
  class Racy final : public test::FaultyStore {
   public:
    using FaultyStore::FaultyStore;
    Status Create(const std::string& key, ByteView body, const OpContext& ctx) override {
      const Status created = FaultyStore::Create(key, body, ctx);
      return key.ends_with("/race") ? Status::Ok() : created;
    }
  };
  MemoryStore inner;
  Racy store(inner);
  const auto rows = CheckStore(store, OpContext());
  EXPECT_TRUE(AllPassed(rows)) << CheckText(rows);
  EXPECT_EQ(Row(rows, "racing")->state, CheckState::kWarning);
  EXPECT_NE(Row(rows, "racing")->hint.find("only one server archives"), std::string::npos);
}

TEST(StoreCheckTest, AStoreThatSortsOtherwiseIsNoticed) {
  // Directory by directory, as a tree is walked.
  class Walked final : public test::FaultyStore {
   public:
    using FaultyStore::FaultyStore;
    Result<ListPage> List(const std::string& prefix, const std::string& after, const OpContext& ctx) override {
      auto page = FaultyStore::List(prefix, "", ctx);
      if (!page.ok()) return page;
      const auto walked = [](std::string key) {
        std::replace(key.begin(), key.end(), '/', '\x01');
        return key;
      };
      std::vector<ObjectInfo>& objects = page.value().objects;
      std::erase_if(objects, [&](const ObjectInfo& object) { return walked(object.key) <= walked(after); });
      std::sort(objects.begin(), objects.end(),
                [&](const ObjectInfo& a, const ObjectInfo& b) { return walked(a.key) < walked(b.key); });
      return page;
    }
  };
  MemoryStore inner;
  Walked store(inner);
  const auto rows = CheckStore(store, OpContext());
  EXPECT_EQ(Row(rows, "store: list")->state, CheckState::kFailed) << CheckText(rows);
  EXPECT_NE(Row(rows, "store: list")->hint.find("do not use it"), std::string::npos);
}

TEST(StoreCheckTest, WithoutAListOfUploadsThereIsAWarning) {
  for (const Code code : {Code::kInvalidArgument, Code::kPermission}) {
    MemoryStore inner;
    test::FaultyStore store(inner);
    store.Inject({.op = test::StoreOp::kListUploads, .status = {code, "not listed"}, .times = 100});
    const auto rows = CheckStore(store, OpContext());
    EXPECT_TRUE(AllPassed(rows)) << CheckText(rows);
    EXPECT_EQ(rows.size(), 9U);
    EXPECT_EQ(Row(rows, "abort")->state, CheckState::kWarning);
    EXPECT_NE(Row(rows, "abort")->hint.find("s3:ListBucketMultipartUploads"), std::string::npos);
  }
}

TEST(DescribeSizeTest, SizesTimesAndRates) {
  EXPECT_EQ(DescribeBytes(0), "0 B");
  EXPECT_EQ(DescribeBytes(16U << 20), "16.0 MB");
  EXPECT_EQ(DescribeBytes(1023 * 1024 + 1023), "1.0 MB");
  EXPECT_EQ(DescribeSeconds(200), "3 min 20 s");
  EXPECT_EQ(DescribeSeconds(7500), "2 h 5 min");
  EXPECT_EQ(DescribeMillis(1499), "1.5 s");
  EXPECT_EQ(DescribeMillis(200000), "3 min 20 s");
  EXPECT_EQ(DescribeRate(3U << 20, 1500), "2.0 MB/s");
  EXPECT_EQ(DescribeRate(0, 5) + DescribeRate(5, 0), "");
}

}  // namespace
}  // namespace pitr

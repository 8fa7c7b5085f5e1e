// Conformance: listing.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "store_suite/suite.h"

namespace pitr::test {
namespace {

using Strings = std::vector<std::string>;

TEST_P(StoreSuite, ListsInByteOrderOfWholeKeys) {
  // '+' '-' '.' sort before '/', digits and letters after: an order by directories would differ.
  Strings keys{"a/b",  "a-b", "a.b",   "a+b", "a0b", "a=b", "aA",  "a_b",     "a/b-c", "a/b.c/d", "a/B",
               "a0/x", "B/c", "a/0/x", "a0-", "b",   "a1",  "a-/", "a/-/z/y", "Z",     "a/=",     "z9.9/1"};
  std::erase(keys, "a-/");
  for (const std::string& key : keys) EXPECT_OK(CreateText(key, key));
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(Keys(""), keys);
  // From every key on, and from between keys.
  for (size_t i = 0; i < keys.size(); i++) EXPECT_EQ(Keys("", keys[i]), Strings(keys.begin() + i + 1, keys.end()));
  for (const char* from : {"a/", "a0", "a/b-", "a-", "a/-/z", "A", "zzz", "a/b/c"}) {
    Strings expected;
    std::copy_if(keys.begin(), keys.end(), std::back_inserter(expected), [&](auto& key) { return key > from; });
    EXPECT_EQ(Keys("", from), expected) << from;
  }
}

TEST_P(StoreSuite, PrefixNeedNotBeADirectory) {
  Strings keys{"wal/00000001/000000010000000000000001",
               "wal/00000001/000000010000000000000002",
               "wal/00000001/000000010000000100000001",
               "wal/00000002/000000020000000000000003",
               "wal-x",
               "wal.d/y",
               "walk/z",
               "backup/b1/manifest"};
  for (const std::string& key : keys) EXPECT_OK(CreateText(key));
  std::sort(keys.begin(), keys.end());
  for (const char* prefix : {"", "w", "wal", "wal/", "wal/0000000", "wal/00000001/0000000100000000", "wal-x", "wal-xx",
                             "walk/z/", "nothing", "backup/b1/manifest", "/", "../", "wal//"}) {
    for (const char* from : {"", "a", "wal/00000001/000000010000000000000001", "wal/00000002", "zzz"}) {
      Strings expected;
      std::copy_if(keys.begin(), keys.end(), std::back_inserter(expected),
                   [&](auto& key) { return key.starts_with(prefix) && key > from; });
      EXPECT_EQ(Keys(prefix, from), expected) << "prefix " << prefix << " from " << from;
    }
  }
}

TEST_P(StoreSuite, ListsMoreThanOnePage) {
  constexpr int kObjects = 2050;
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  auto key = [](int i) {
    char text[32];
    snprintf(text, sizeof text, "p/%02d/%s%04d", i % 7, i % 2 == 0 ? "x-" : "x/", i);
    return std::string(text);
  };
  for (int t = 0; t < kThreads; t++)
    threads.emplace_back([&, t] {
      for (int i = t; i < kObjects; i += kThreads) EXPECT_OK(CreateText(key(i)));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_OK(CreateText("o"));
  EXPECT_OK(CreateText("q"));
  Strings expected;
  for (int i = 0; i < kObjects; i++) expected.push_back(key(i));
  std::sort(expected.begin(), expected.end());

  Strings got;
  int pages = 0;
  for (std::string after;;) {
    auto page = store_->List("p/", after, Ctx());
    ASSERT_TRUE(page.ok()) << page.status().ToString();
    pages++;
    // A directory gives more at once to who asks for more.
    if (pages == 1) { EXPECT_EQ(page.value().objects.size(), kMaxListPage); }
    for (const ObjectInfo& object : page.value().objects) got.push_back(object.key);
    if (!page.value().more) break;
    ASSERT_FALSE(page.value().objects.empty());
    after = page.value().objects.back().key;
  }
  EXPECT_GE(pages, 2);
  EXPECT_LE(pages, 3);
  EXPECT_EQ(got, expected);

  Strings all;
  EXPECT_OK(ListAll(*store_, "", Ctx(), [&](const ObjectInfo& object) {
    all.push_back(object.key);
    return Status::Ok();
  }));
  EXPECT_EQ(all.size(), expected.size() + 2);
  EXPECT_EQ(all.front(), "o");
  EXPECT_EQ(all.back(), "q");
}

TEST_P(StoreSuite, ExactlyOnePageSaysSo) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < kMaxListPage; i += 8) EXPECT_OK(CreateText("e/" + std::to_string(10000 + i)));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Keys("e/").size(), kMaxListPage);
}

}  // namespace
}  // namespace pitr::test

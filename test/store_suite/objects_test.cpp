// Conformance: creation, reading, deletion.
#include <atomic>
#include <thread>

#include "store_suite/suite.h"

namespace pitr::test {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST_P(StoreSuite, WhatWasCreatedIsThere) {
  const int64_t now = SystemClock().WallMicros();
  EXPECT_OK(CreateText("wal/00000001/x", "hello"));
  EXPECT_EQ(AsText(Read("wal/00000001/x")), "hello");
  auto info = store_->Stat("wal/00000001/x", Ctx());
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info.value().key, "wal/00000001/x");
  EXPECT_EQ(info.value().size, 5u);
  if (info.value().modified_micros != 0) { EXPECT_NEAR(info.value().modified_micros, now, 3600e6); }
  EXPECT_EQ(Keys(""), std::vector<std::string>{"wal/00000001/x"});
  auto page = store_->List("", "", Ctx());
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page.value().objects.size(), 1u);
  EXPECT_EQ(page.value().objects[0].size, 5u);
  if (page.value().objects[0].modified_micros != 0) {
    EXPECT_NEAR(page.value().objects[0].modified_micros, now, 3600e6);
  }
}

TEST_P(StoreSuite, AnotherHandleSeesItAtOnce) {
  EXPECT_OK(CreateText("a/b", "hello"));
  auto other = place_->Open();
  auto body = GetAll(*other, "a/b", 100, Ctx());
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(AsText(body.value()), "hello");
}

TEST_P(StoreSuite, TakenKeyIsLeftAlone) {
  EXPECT_OK(CreateText("k", "first"));
  const Status again = CreateText("k", "second");
  EXPECT_CODE(again, Code::kAlreadyExists);
  EXPECT_NE(again.message().find("k"), std::string::npos) << "names the key: " << again.message();
  EXPECT_CODE(CreateText("k", ""), Code::kAlreadyExists);
  EXPECT_EQ(AsText(Read("k")), "first");
}

TEST_P(StoreSuite, OneOfRacingCreatorsWins) {
  constexpr int kCreators = 8;
  for (int round = 0; round < 3; round++) {
    const std::string key = "race/" + std::to_string(round);
    std::vector<std::unique_ptr<ObjectStore>> handles;
    for (int i = 0; i < kCreators; i++) handles.push_back(place_->Open());
    std::vector<Status> outcome(kCreators);
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < kCreators; i++)
      threads.emplace_back([&, i] {
        const Bytes body = Pattern(100000, i);
        while (!go) {}
        // A store may ask to try again when two requests meet (409); drivers leave that to the caller.
        do outcome[i] = handles[i]->Create(key, body, Ctx());
        while (outcome[i].code() == Code::kUnavailable);
      });
    go = true;
    for (std::thread& thread : threads) thread.join();
    int winner = -1;
    for (int i = 0; i < kCreators; i++) {
      if (outcome[i].ok()) {
        EXPECT_EQ(winner, -1) << "two creators were told ok";
        winner = i;
      } else {
        EXPECT_CODE(outcome[i], Code::kAlreadyExists);
      }
    }
    ASSERT_NE(winner, -1);
    EXPECT_EQ(Read(key), Pattern(100000, winner));
  }
}

TEST_P(StoreSuite, BodiesOfAllSizes) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{65535}, 5 * kMiB + 1, 20 * kMiB}) {
    const std::string key = "size/" + std::to_string(size);
    const Bytes body = Pattern(size, size);
    EXPECT_OK(Create(key, body));
    EXPECT_TRUE(Read(key) == body) << size;
    auto info = store_->Stat(key, Ctx());
    ASSERT_TRUE(info.ok()) << info.status().ToString();
    EXPECT_EQ(info.value().size, size);
  }
}

TEST_P(StoreSuite, Ranges) {
  const Bytes body = Pattern(3 * kMiB + 17, 1);
  EXPECT_OK(Create("r", body));
  for (const ByteRange range : {ByteRange{0, 1}, ByteRange{body.size() - 1, 1}, ByteRange{1000, 2 * kMiB},
                                ByteRange{0, body.size()}, ByteRange{kMiB, UINT64_MAX}, ByteRange{0, UINT64_MAX},
                                ByteRange{body.size() - 1, UINT64_MAX}, ByteRange{5, 0}}) {
    const uint64_t length = std::min<uint64_t>(range.length, body.size() - range.offset);
    auto got = ReadRange("r", range);
    ASSERT_TRUE(got.ok()) << range.offset << "+" << range.length << ": " << got.status().ToString();
    EXPECT_TRUE(got.value() == Bytes(body.begin() + range.offset, body.begin() + range.offset + length))
        << range.offset << "+" << range.length;
  }
}

TEST_P(StoreSuite, PastTheEndIsAnError) {
  EXPECT_OK(Create("ten", Pattern(10, 1)));
  EXPECT_OK(Create("empty", {}));
  for (const ByteRange range :
       {ByteRange{0, 11}, ByteRange{9, 2}, ByteRange{10, 1}, ByteRange{11, 1}, ByteRange{10, UINT64_MAX},
        ByteRange{11, UINT64_MAX}, ByteRange{1, UINT64_MAX - 1}, ByteRange{UINT64_MAX - 1, UINT64_MAX}}) {
    SCOPED_TRACE(std::to_string(range.offset) + "+" + std::to_string(range.length));
    EXPECT_CODE(ReadRange("ten", range).status(), Code::kInvalidArgument);
  }
  EXPECT_CODE(ReadRange("empty", {0, 1}).status(), Code::kInvalidArgument);
  EXPECT_CODE(ReadRange("empty", {1, UINT64_MAX}).status(), Code::kInvalidArgument);
}

TEST_P(StoreSuite, MissingIsSaidToBeMissing) {
  EXPECT_OK(CreateText("dir/present"));
  for (const char* key : {"absent", "dir/absent", "dir", "no/such/dir/absent"}) {
    EXPECT_CODE(ReadRange(key, {}).status(), Code::kNotFound);
    EXPECT_CODE(ReadRange(key, {5, 5}).status(), Code::kNotFound);
    EXPECT_CODE(store_->Stat(key, Ctx()).status(), Code::kNotFound);
    EXPECT_OK(store_->Delete({key}, Ctx()));
  }
  EXPECT_EQ(Keys("absent/"), std::vector<std::string>{});
  EXPECT_EQ(Keys("dir/"), std::vector<std::string>{"dir/present"});
}

TEST_P(StoreSuite, DeletionInBatches) {
  for (const char* key : {"d/a", "d/b", "d/e/f", "d2/x"}) EXPECT_OK(CreateText(key));
  EXPECT_OK(store_->Delete({}, Ctx()));
  EXPECT_OK(store_->Delete({"d/a", "d/missing", "d/e/f"}, Ctx()));
  EXPECT_EQ(Keys(""), (std::vector<std::string>{"d/b", "d2/x"}));
  std::vector<std::string> batch{"d/b"};
  while (batch.size() < kMaxDeleteBatch + 1) batch.push_back("d/none-" + std::to_string(batch.size()));
  EXPECT_CODE(store_->Delete(batch, Ctx()), Code::kInvalidArgument);
  EXPECT_EQ(Keys(""), (std::vector<std::string>{"d/b", "d2/x"}));
  batch.pop_back();
  EXPECT_OK(store_->Delete(batch, Ctx()));
  EXPECT_EQ(Keys(""), std::vector<std::string>{"d2/x"});
}

TEST_P(StoreSuite, DeletedKeyIsFreeAgain) {
  EXPECT_OK(CreateText("a/b/c", "first"));
  EXPECT_OK(store_->Delete({"a/b/c"}, Ctx()));
  EXPECT_CODE(store_->Stat("a/b/c", Ctx()).status(), Code::kNotFound);
  EXPECT_OK(CreateText("a/b/c", "second"));
  EXPECT_EQ(AsText(Read("a/b/c")), "second");
}

TEST_P(StoreSuite, BadKeysAreRefused) {
  const std::string too_long(kMaxKeyBytes + 1, 'a');
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("../x"),
        std::string("a/../b"), std::string("a/."), std::string("a b"), std::string("a\\b"), std::string("a\0b", 3),
        std::string("\xc3\xa4"), std::string("a~b"), too_long}) {
    EXPECT_CODE(CreateText(key), Code::kInvalidArgument);
    EXPECT_CODE(ReadRange(key, {}).status(), Code::kInvalidArgument);
    EXPECT_CODE(store_->Stat(key, Ctx()).status(), Code::kInvalidArgument);
    EXPECT_CODE(store_->Delete({key}, Ctx()), Code::kInvalidArgument);
    EXPECT_CODE(store_->BeginUpload(key, Ctx()).status(), Code::kInvalidArgument);
  }
  EXPECT_EQ(Keys(""), std::vector<std::string>{});
}

TEST_P(StoreSuite, LongestKey) {
  std::string key;
  while (key.size() < kMaxKeyBytes) key += (key.size() % 180 == 179) ? '/' : 'k';
  EXPECT_OK(CreateText(key, "hello"));
  EXPECT_EQ(AsText(Read(key)), "hello");
  EXPECT_EQ(Keys("k"), std::vector<std::string>{key});
  auto id = store_->BeginUpload(key + "", Ctx());
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  EXPECT_TRUE(IsPending(key, id.value()));
  EXPECT_OK(store_->AbortUpload(key, id.value(), Ctx()));
  EXPECT_FALSE(IsPending(key, id.value()));
  EXPECT_OK(store_->Delete({key}, Ctx()));
  EXPECT_EQ(Keys(""), std::vector<std::string>{});
}

TEST_P(StoreSuite, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; i++) {
        const std::string key = "t/" + std::to_string(i) + "/" + std::to_string(t);
        const Bytes body = Pattern(50000, t * 100 + i);
        EXPECT_OK(Create(key, body));
        EXPECT_TRUE(Read(key) == body);
        if (i % 2 == 0) { EXPECT_OK(store_->Delete({key}, Ctx())); }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Keys("t/").size(), 40u);
}

TEST_P(StoreSuite, SinkStopsTheTransfer) {
  EXPECT_OK(Create("big", Pattern(20 * kMiB, 1)));
  int calls = 0;
  const Status status = store_->Get(
      "big", {},
      [&](ByteView) -> Status {
        calls++;
        return {Code::kConflict, "enough of this"};
      },
      Ctx());
  EXPECT_CODE(status, Code::kConflict);
  EXPECT_NE(status.message().find("enough of this"), std::string::npos) << status.message();
  EXPECT_EQ(calls, 1);
  // A failing sink must not be taken for a failing store.
  EXPECT_CODE(store_->Get(
                  "big", {},
                  [](ByteView) -> Status {
                    return {Code::kUnavailable, "sink full"};
                  },
                  Ctx()),
              Code::kUnavailable);
}

TEST_P(StoreSuite, DescribeNamesThePlaceWithoutSecrets) {
  EXPECT_NE(store_->Describe(), "");
  const char* secret = std::getenv("PITR_TEST_S3_SECRET_KEY");
  if (secret != nullptr) { EXPECT_EQ(store_->Describe().find(secret), std::string::npos); }
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Stores, StoreSuite,
                         ::testing::Values(StoreKind::kMemory, StoreKind::kFlakyMemory, StoreKind::kDirectory,
                                           StoreKind::kS3Loopback, StoreKind::kFlakyS3Loopback, StoreKind::kS3Http,
                                           StoreKind::kS3Https, StoreKind::kS3VirtualHost),
                         StoreKindName);

}  // namespace pitr::test

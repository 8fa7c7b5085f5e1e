#include "core/verify/record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

VerifyRecord RecordOf(uint32_t run, VerifyMode mode, const std::vector<std::string>& labels) {
  VerifyRecord record;
  record.run = run;
  record.request.mode = mode;
  record.request.seed = 5;
  record.finished = true;
  for (const std::string& label : labels) record.backups[label];
  return record;
}

class VerifyRecordTest : public test::RepositoryTest {};

TEST_F(VerifyRecordTest, ThereAndBack) {
  VerifyRecord record = RecordOf(12, VerifyMode::kSample, {"a"});
  record.request.sample_percent = 2.5;
  record.request.seed = UINT64_MAX;
  record.by = "host x, process 7";
  record.started_micros = 1;
  record.ended_micros = 2;
  record.backups["a"] = {3, 2, 100, 50};
  record.wal = {9, 8, 7, 6};
  record.extents = 11;
  record.newest_wal[2] = "000000020000000000000007";
  record.counts = {1, 2, 3};
  Finding finding;
  finding.severity = Severity::kUnchecked;
  finding.object = "data/a/000001";
  finding.begin = 64;
  finding.end = 128;
  finding.files = {"base/1/\xff"};
  finding.labels = {"a"};
  record.findings = {finding};
  auto read = DecodeRecord(EncodeRecord(record));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read.value().run, 12U);
  EXPECT_EQ(read.value().request.seed, UINT64_MAX);
  EXPECT_EQ(read.value().request.sample_percent, 2.5);
  EXPECT_EQ(read.value().backups.at("a"), record.backups.at("a"));
  EXPECT_EQ(read.value().wal, record.wal);
  EXPECT_EQ(read.value().newest_wal, record.newest_wal);
  EXPECT_EQ(read.value().counts, record.counts);
  ASSERT_EQ(read.value().findings.size(), 1U);
  EXPECT_EQ(read.value().findings[0].severity, Severity::kUnchecked);
  EXPECT_EQ(read.value().findings[0].end, 128U);
  record.finished = false;
  record.stopped = true;
  record.pack_done = "data/a/000001";
  record.pack_done_end = 99;
  record.wal_done = "wal/x";
  read = DecodeRecord(EncodeRecord(record));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(read.value().stopped);
  EXPECT_EQ(read.value().pack_done_end, 99U);
  EXPECT_EQ(read.value().wal_done, "wal/x");
}

TEST_F(VerifyRecordTest, WrongTextsAreRefused) {
  EXPECT_EQ(DecodeRecord("").code(), Code::kCorruption);
  EXPECT_EQ(DecodeRecord("{}").code(), Code::kCorruption);
  EXPECT_EQ(DecodeRecord("{\"pg_pitr_verify\":2}").code(), Code::kInvalidArgument);
  const std::string good = EncodeRecord(RecordOf(1, VerifyMode::kFull, {"a"}));
  for (const char* field : {"\"run\"", "\"mode\"", "\"wal\"", "\"backups\"", "\"findings\"", "\"damage\""}) {
    std::string bad = good;
    bad.replace(bad.find(field) + 1, 1, "X");
    EXPECT_EQ(DecodeRecord(bad).code(), Code::kCorruption) << field;
  }
}

TEST_F(VerifyRecordTest, FewAreKept) {
  std::vector<VerifyRecord> results;
  results.push_back(RecordOf(1, VerifyMode::kFull, {"old", "gone"}));
  results.push_back(RecordOf(2, VerifyMode::kFull, {"gone"}));
  for (uint32_t run = 3; run <= 9; ++run) results.push_back(RecordOf(run, VerifyMode::kFull, {"new"}));
  for (uint32_t run = 10; run <= 20; ++run) results.push_back(RecordOf(run, VerifyMode::kQuick, {"new"}));
  const std::vector<uint32_t> gone = SuperfluousResults(results, {"old", "new"});
  EXPECT_EQ(gone, (std::vector<uint32_t>{15, 14, 13, 12, 11, 10, 4, 3, 2}))
      << "run 1 is the newest full one that covers an existing backup";
  EXPECT_EQ(NewestResult(results, "old")->run, 1U);
  EXPECT_EQ(NewestResult(results, "")->run, 20U);
  EXPECT_EQ(NewestResult(results, "nobody"), nullptr);
}

Finding DamageIn(const std::string& object, const char* problem, const std::string& label) {
  Finding finding;
  finding.object = object;
  finding.problem = problem;
  finding.labels = {label};
  return finding;
}

StandingDamage Standing(const std::vector<VerifyRecord>& results, const std::string& label) {
  return FindStandingDamage(results, label, 0, DamageOf::kAnything);
}

TEST_F(VerifyRecordTest, DamageStandsUntilSomethingLookedAsClosely) {
  const std::string pack = layout::PackKey("a", 1);
  std::vector<VerifyRecord> results = {RecordOf(1, VerifyMode::kFull, {"a", "b"})};
  EXPECT_EQ(Standing(results, "a").result, nullptr);
  results.push_back(RecordOf(2, VerifyMode::kFull, {"a", "b"}));
  results.back().findings = {DamageIn(pack, "checksum", "a"), DamageIn(pack, "corrupt", "a")};
  results.push_back(RecordOf(3, VerifyMode::kQuick, {"a", "b"}));
  results.push_back(RecordOf(4, VerifyMode::kSample, {"a", "b"}));
  ASSERT_NE(Standing(results, "a").result, nullptr) << "neither has read what is damaged";
  EXPECT_EQ(Standing(results, "a").result->run, 2U);
  EXPECT_EQ(Standing(results, "a").count, 2U);
  EXPECT_EQ(Standing(results, "b").result, nullptr);
  results.push_back(RecordOf(5, VerifyMode::kFull, {"b"}));
  EXPECT_NE(Standing(results, "a").result, nullptr) << "of another backup";
  results.push_back(RecordOf(6, VerifyMode::kFull, {"a"}));
  results.back().findings = {DamageIn(pack, "unreadable", "a")};
  results.back().findings[0].severity = Severity::kUnchecked;
  EXPECT_NE(Standing(results, "a").result, nullptr) << "it could not be read";
  results.push_back(RecordOf(7, VerifyMode::kFull, {"a"}));
  EXPECT_EQ(Standing(results, "a").result, nullptr);
}

TEST_F(VerifyRecordTest, WhatListingsShowIsRefutedByListings) {
  std::vector<VerifyRecord> results = {RecordOf(1, VerifyMode::kFull, {"a"}), RecordOf(2, VerifyMode::kQuick, {"a"})};
  const std::pair<std::string, const char*> quickly[] = {
      {layout::PackKey("a", 1), "missing"},
      {layout::PackKey("a", 1), "size"},
      {layout::WalKey("000000010000000000000003"), "gap"},
      {layout::BackupKey("a", layout::BackupObject::kFiles), "corrupt"}};
  for (const auto& [object, problem] : quickly) {
    results[0].findings = {DamageIn(object, problem, "a")};
    EXPECT_EQ(Standing(results, "a").result, nullptr) << object << " " << problem;
    results[1].findings = results[0].findings;
    EXPECT_EQ(Standing(results, "a").result->run, 2U) << object << " " << problem;
    results[1].findings.clear();
  }
  results[0].findings = {DamageIn(layout::WalKey("000000010000000000000003"), "corrupt", "a")};
  EXPECT_EQ(Standing(results, "a").result->run, 1U);
  EXPECT_EQ(FindStandingDamage(results, "a", 0, DamageOf::kFiles).result, nullptr);
  EXPECT_EQ(DescribeStandingDamage(results, "a", 0, DamageOf::kAnything),
            "the full verification of 1970-01-01 00:00:00+00 found 1 damage of what it needs");
  EXPECT_EQ(DescribeStandingDamage(results, "a", 1, DamageOf::kAnything), "") << "of an earlier backup of that name";
}

TEST_F(VerifyRecordTest, TheResultOfStandingDamageIsKept) {
  std::vector<VerifyRecord> results;
  for (uint32_t run = 1; run <= 12; ++run) results.push_back(RecordOf(run, VerifyMode::kSample, {"a"}));
  results[1].findings = {DamageIn(layout::PackKey("a", 1), "corrupt", "a")};
  EXPECT_EQ(SuperfluousResults(results, {"a"}), (std::vector<uint32_t>{7, 6, 5, 4, 3, 1}));
  EXPECT_EQ(SuperfluousResults(results, {}), (std::vector<uint32_t>{7, 6, 5, 4, 3, 2, 1})) << "the backup is gone";
}

TEST_F(VerifyRecordTest, RunsAreNumberedAndProgressGoes) {
  auto repository = MustOpenOrCreate(config_);
  VerifyRecord record = RecordOf(0, VerifyMode::kFull, {"a"});
  RecordWriter first(*repository, 0);
  ASSERT_TRUE(first.WriteProgress(record, ctx_).ok());
  EXPECT_EQ(record.run, 1U);
  VerifyRecord other = RecordOf(0, VerifyMode::kQuick, {"a"});
  RecordWriter second(*repository, 0);
  ASSERT_TRUE(second.WriteResult(other, {"a"}, ctx_).ok());
  EXPECT_EQ(other.run, 2U);
  record.pack_done = "x";
  ASSERT_TRUE(first.WriteProgress(record, ctx_).ok());
  auto records = LoadVerifyRecords(*repository, ctx_);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records.value().unfinished.size(), 1U);
  EXPECT_EQ(records.value().unfinished[0].pack_done, "x") << "the newest";
  ASSERT_EQ(records.value().results.size(), 1U);
  ASSERT_TRUE(first.WriteResult(record, {"a"}, ctx_).ok());
  EXPECT_EQ(memory_.Keys().size(), 3U) << "marker and two results";
  // Somebody else has finished the same run.
  RecordWriter late(*repository, 1);
  VerifyRecord twice = RecordOf(1, VerifyMode::kFull, {"a"});
  ASSERT_TRUE(late.WriteResult(twice, {"a"}, ctx_).ok());
  EXPECT_EQ(twice.run, 3U);
  // One that cannot be read is left out.
  memory_.FlipBit(layout::VerifyKey({2, 0}), 900);
  records = LoadVerifyRecords(*repository, ctx_);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(records.value().results.size(), 2U);
}

TEST(FindingListTest, ManyWarningsHideNoDamage) {
  FindingList list;
  Finding warning;
  warning.severity = Severity::kWarning;
  for (size_t i = 0; i < kMaxFindings + 5; ++i) list.Add(warning);
  list.Add(DamageIn("hurt", "corrupt", "a"));
  list.Add(warning);
  const std::vector<Finding> kept = list.Copy();
  EXPECT_EQ(kept.size(), kMaxFindings);
  EXPECT_EQ(std::count_if(kept.begin(), kept.end(), [](const Finding& each) { return each.object == "hurt"; }), 1);
  EXPECT_EQ(list.dropped(), (FindingCounts{0, 0, 7}));
}

TEST_F(VerifyRecordTest, Keys) {
  EXPECT_EQ(layout::VerifyKey({12, 0}), "proof/verify/00000012/result");
  EXPECT_EQ(layout::VerifyKey({12, 3}), "proof/verify/00000012/progress.000003");
  for (const char* key : {"proof/verify/00000012/result", "proof/verify/00000012/progress.000003"})
    EXPECT_EQ(layout::VerifyKey(layout::ParseVerifyKey(key).value()), key);
  for (const char* key : {"proof/verify/12/result", "proof/verify/00000000/result", "proof/verify/00000012/results",
                          "proof/verify/00000012/progress.000000", "proof/verify/", "proof/x/00000012/result"})
    EXPECT_FALSE(layout::ParseVerifyKey(key)) << key;
}

}  // namespace
}  // namespace pitr

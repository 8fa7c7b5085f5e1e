// Starts no thread.
#include "core/expire/retention.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/expire/wal_need.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;
constexpr int64_t kStart = int64_t{19675} * kDay;  // 2023-11-14
constexpr uint32_t kSegment = 1u << 20;

CalendarSpan Span(const char* text) { return ParseCalendarSpan(text).value(); }

// Backups a day apart, each a segment later than the one before; letters tell type and state.
struct RetainedWorld {
  RetentionFacts facts;

  RetainedWorld() { facts.now_micros = kStart; }
  RetainedWorld& Timelines(std::initializer_list<std::pair<uint32_t, const char*>> histories) {
    for (const auto& [timeline, text] : histories) {
      TimelineFacts fact{{timeline}, std::nullopt, 0};
      if (text != nullptr) fact.path = TimelineHistory::Parse({timeline}, text).value();
      facts.timelines.push_back(std::move(fact));
    }
    return *this;
  }
  // A backup in segments [first, first + 1) of its timeline, a day later than the last one.
  BackupFacts& Add(const char* label, BackupType type = BackupType::kFull, const char* parent = "",
                   uint32_t timeline = 1) {
    facts.now_micros += kDay;
    BackupFacts fact;
    fact.label = label;
    fact.type = type;
    fact.parent_label = parent;
    fact.timeline = fact.stop_timeline = {timeline};
    fact.start_lsn = {(facts.backups.size() + 1) * 10 * kSegment + 40};
    fact.stop_lsn = {(facts.backups.size() + 1) * 10 * kSegment + 4000};
    fact.stop_micros = facts.now_micros;
    for (TimelineFacts& fact_of : facts.timelines)
      if (fact_of.timeline.value == timeline) fact_of.newest_micros = facts.now_micros;
    facts.backups.push_back(fact);
    return facts.backups.back();
  }
  // "a b+" : kept ones, "+" for those kept alone.
  std::string Kept(const RetentionPolicy& policy) const {
    std::string text;
    const auto verdicts = DecideRetention(policy, facts);
    EXPECT_EQ(verdicts.size(), facts.backups.size());
    for (size_t i = 0; i < verdicts.size(); i++) {
      EXPECT_NE(verdicts[i].why, "");
      if (verdicts[i].keep == Keep::kNo) continue;
      text += (text.empty() ? "" : " ") + facts.backups[i].label + (verdicts[i].keep == Keep::kAlone ? "+" : "");
    }
    return text;
  }
};

RetainedWorld Fulls(int count) {
  static const char* const kNames[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
  RetainedWorld world;
  world.Timelines({{1, ""}});
  for (int i = 0; i < count; i++) world.Add(kNames[i]);
  return world;
}

TEST(Retention, WithoutALimitEverythingStays) {
  EXPECT_EQ(Fulls(3).Kept({}), "a b c");
  EXPECT_EQ(Fulls(3).Kept({.monthly = Span("7 years")}), "a b c");
  EXPECT_TRUE(RetentionPolicy{.monthly = Span("7 years")}.empty());
  EXPECT_FALSE(RetentionPolicy{.diff = 1}.empty());
  EXPECT_EQ(RetainedWorld().Kept({.full = 1}), "");
}

TEST(Retention, ByNumber) {
  EXPECT_EQ(Fulls(4).Kept({.full = 2}), "c d");
  EXPECT_EQ(Fulls(4).Kept({.full = 4}), "a b c d");
  EXPECT_EQ(Fulls(2).Kept({.full = 9}), "a b");
}

TEST(Retention, ByAgeOneBackupIsOlder) {
  RetainedWorld world = Fulls(5);  // now is when e ended
  EXPECT_EQ(world.Kept({.age = Span("2 days")}), "c d e");
  EXPECT_EQ(world.Kept({.age = Span("36 hours")}), "c d e");
  EXPECT_EQ(world.Kept({.age = Span("100 days")}), "a b c d e");
  world.facts.now_micros += 1000 * kDay;
  EXPECT_EQ(world.Kept({.age = Span("2 days")}), "e") << "the newest stays however old it is";
  EXPECT_EQ(world.Kept({.full = 2, .age = Span("2 days")}), "d e") << "either rule keeps";
}

TEST(Retention, WhatCannotBeRestoredDoesNotCount) {
  RetainedWorld world = Fulls(5);
  world.facts.backups[4].restorable = false;
  world.facts.backups[1].restorable = false;
  EXPECT_EQ(world.Kept({.full = 2}), "c d e") << "e may be mended, b is too old";
  EXPECT_EQ(world.Kept({.full = 3}), "a b c d e");
  for (BackupFacts& backup : world.facts.backups) backup.restorable = false;
  EXPECT_EQ(world.Kept({.full = 1}), "a b c d e") << "nothing restorable: nothing goes";
}

TEST(Retention, DamagedPagesDoNotCount) {
  RetainedWorld world = Fulls(5);
  world.facts.backups[4].flaw = "3 pages failed their checksum";
  world.facts.backups[1].flaw = "1 page failed its checksum";
  EXPECT_EQ(world.Kept({.full = 1}), "d e") << "the newest is kept besides the one that counts";
  EXPECT_EQ(world.Kept({.full = 2}), "c d e") << "b is older than what counts";
  EXPECT_EQ(world.Kept({.full = 3}), "a b c d e");
  EXPECT_EQ(world.Kept({.age = Span("1 hour")}), "d e");
  for (BackupFacts& backup : world.facts.backups) backup.flaw = "all have some";
  EXPECT_EQ(world.Kept({.full = 1}), "a b c d e") << "nothing counts: nothing goes";
}

TEST(Retention, OfAMonthTheFirstWithoutDamagedPagesIsKept) {
  RetainedWorld world = Fulls(5);
  world.facts.backups[0].flaw = "3 pages failed their checksum";
  EXPECT_EQ(world.Kept({.full = 1, .monthly = Span("7 years")}), "b+ e");
}

TEST(Retention, IncrementsGoWithTheirFullBackup) {
  RetainedWorld world;
  world.Timelines({{1, ""}});
  world.Add("f1");
  world.Add("d1", BackupType::kDiff, "f1");
  world.Add("i1", BackupType::kIncr, "d1");
  world.Add("f2");
  world.Add("i2", BackupType::kIncr, "f2");
  world.Add("d2", BackupType::kDiff, "f2");
  world.Add("i3", BackupType::kIncr, "d2");
  world.Add("d3", BackupType::kDiff, "f2");
  EXPECT_EQ(world.Kept({.full = 1}), "f2 i2 d2 i3 d3");
  EXPECT_EQ(world.Kept({.full = 2}), "f1 d1 i1 f2 i2 d2 i3 d3");
  EXPECT_EQ(world.Kept({.full = 1, .diff = 1}), "f2 i2 d3") << "with a differential backup goes what builds on it";
  EXPECT_EQ(world.Kept({.diff = 2}), "f1 f2 i2 d2 i3 d3");
  world.facts.backups[1].held_for = "pinned";
  EXPECT_EQ(world.Kept({.full = 1}), "d1+ f2 i2 d2 i3 d3") << "a pinned increment stays by itself";
  world.facts.backups.erase(world.facts.backups.begin() + 3);  // f2 was deleted by name
  EXPECT_EQ(world.Kept({.full = 1}), "f1 d1 i1 i2 d2 i3 d3") << "a chain without its full backup lives by its place";
}

TEST(Retention, AChainThatGoesInCirclesEndsSomewhere) {
  RetainedWorld world = Fulls(2);
  world.Add("x", BackupType::kIncr, "y");
  world.Add("y", BackupType::kIncr, "x");
  EXPECT_EQ(world.Kept({.full = 1}), "b x y");
}

TEST(Retention, MonthlyKeepersAreTheFirstOfTheirMonths) {
  RetainedWorld world;
  world.Timelines({{1, ""}});
  static const char* const kNames[] = {"n1", "n2", "n3", "d1", "d2", "d3", "d4", "j1", "j2"};
  for (const char* name : kNames) {
    world.facts.now_micros += 6 * kDay;
    world.Add(name);  // Nov 21, 28, Dec 5, 12, 19, 26, Jan 2, 9, 16
  }
  EXPECT_EQ(world.Kept({.full = 1, .monthly = Span("7 years")}), "n1+ n3+ d4+ j2");
  EXPECT_EQ(world.Kept({.full = 4, .monthly = Span("7 years")}), "n1+ n3+ d3 d4 j1 j2");
  EXPECT_EQ(world.Kept({.full = 1, .monthly = Span("1 month")}), "d2+ d4+ j2")
      << "of the month that is half gone the first that is left";
  world.facts.backups[0].restorable = false;
  EXPECT_EQ(world.Kept({.full = 1, .monthly = Span("7 years")}), "n2+ n3+ d4+ j2");
}

// "Three weeks, and seven years of monthly fulls", for nine years: a full backup every Monday, a differential one every
// other day, and an expiry after each.
TEST(Retention, ThreeWeeksAndSevenYearsOfMonthlyFulls) {
  const RetentionPolicy policy{.age = Span("3 weeks"), .monthly = Span("7 years")};
  RetainedWorld world;
  world.Timelines({{1, ""}});
  std::vector<std::string> names;
  std::vector<std::pair<int64_t, std::string>> fulls;  // every one there ever was
  std::string monday;
  for (int day = 0; day < 9 * 365; day++) {
    names.push_back((day % 7 == 0 ? "f" : "d") + std::to_string(day));
    const std::string& name = names.back();
    if (day % 7 == 0) monday = name;
    BackupFacts fact;
    world.facts.now_micros += kDay;
    fact.label = name;
    fact.type = day % 7 == 0 ? BackupType::kFull : BackupType::kDiff;
    fact.parent_label = day % 7 == 0 ? "" : monday;
    fact.timeline = fact.stop_timeline = {1};
    fact.start_lsn = {static_cast<uint64_t>(day + 1) * 10 * kSegment + 40};
    fact.stop_lsn = {static_cast<uint64_t>(day + 1) * 10 * kSegment + 4000};
    fact.stop_micros = world.facts.timelines[0].newest_micros = world.facts.now_micros;
    world.facts.backups.push_back(fact);
    if (day % 7 == 0) fulls.emplace_back(world.facts.now_micros, name);
    const auto verdicts = DecideRetention(policy, world.facts);
    std::vector<BackupFacts> kept;
    for (size_t i = 0; i < verdicts.size(); i++)
      if (verdicts[i].keep != Keep::kNo) kept.push_back(world.facts.backups[i]);
    world.facts.backups = kept;
  }
  const auto verdicts = DecideRetention(policy, world.facts);
  std::set<std::string> window, alone;
  for (size_t i = 0; i < verdicts.size(); i++)
    (verdicts[i].keep == Keep::kWindow ? window : alone).insert(world.facts.backups[i].label);

  // Three weeks: the newest full backup that is so old, and all that came after it.
  const int64_t since = world.facts.now_micros - 21 * kDay;
  int64_t oldest = 0;
  for (const auto& [stop, label] : fulls)
    if (stop <= since) oldest = stop;
  EXPECT_EQ(window.size(), static_cast<size_t>((world.facts.now_micros - oldest) / kDay + 1));
  EXPECT_GE(window.size(), 22U);
  EXPECT_LT(window.size(), 22U + 7U);

  // Seven years: of every month its first full backup, and none of the two years before.
  std::map<std::string, std::string> first;
  for (const auto& [stop, label] : fulls) first.emplace(FormatTimestamp(stop).substr(0, 7), label);
  const std::string border = FormatTimestamp(TimeBefore(world.facts.now_micros, policy.monthly)).substr(0, 7);
  const std::string of_window = FormatTimestamp(oldest).substr(0, 7);
  size_t months = 0;
  for (const auto& [month, label] : first) {
    if (month < border || window.contains(label)) { EXPECT_FALSE(alone.contains(label)) << month; }
    if (month <= border || month >= of_window) continue;
    EXPECT_TRUE(alone.contains(label)) << month << " " << label;
    months++;
  }
  EXPECT_GE(months, 82U);
  EXPECT_GE(alone.size(), months);
  EXPECT_LE(alone.size(), months + 2) << "the months at the ends";
  for (const std::string& label : alone) EXPECT_EQ(label[0], 'f') << label;
}

TEST(Retention, PinnedOnesStayByThemselves) {
  RetainedWorld world = Fulls(4);
  world.facts.backups[0].held_for = "pinned: audit";
  EXPECT_EQ(world.Kept({.full = 1}), "a+ d");
  EXPECT_EQ(DecideRetention({.full = 1}, world.facts)[0].why, "pinned: audit");
  world.facts.backups[3].held_for = "pinned";
  EXPECT_EQ(world.Kept({.full = 1}), "a+ d") << "a pin takes nothing away";
}

// Timeline 2 left timeline 1 in segment 25: after b (segment 20), before c (segment 30).
RetainedWorld Forked() {
  RetainedWorld world;
  world.Timelines({{1, ""}, {2, "1\t0/1900100\tno recovery target specified\n"}});
  world.Add("a");
  world.Add("b");
  world.Add("c");
  world.facts.timelines[1].newest_micros = world.facts.now_micros + 1;
  return world;
}

TEST(Retention, TheNewTimelineIsNotLeftWithoutABackup) {
  RetainedWorld world = Forked();
  EXPECT_EQ(world.Kept({.full = 1}), "b c") << "c does not lead to timeline 2";
  world.Add("x", BackupType::kFull, "", 2);
  EXPECT_EQ(world.Kept({.full = 1}), "x");
  EXPECT_EQ(world.Kept({.full = 2}), "b c x") << "what was left behind stays as long as what is older";
}

TEST(Retention, TwoTimelinesAliveEachKeepTheirs) {
  RetainedWorld world = Forked();
  world.Add("x", BackupType::kFull, "", 2);
  world.Add("y", BackupType::kFull, "", 2);
  world.Add("d");  // production goes on on timeline 1; timeline 2 was a test that archived
  world.facts.timelines[0].newest_micros = world.facts.now_micros + 1;
  EXPECT_EQ(world.Kept({.full = 1}), "y d");
  EXPECT_EQ(world.Kept({.full = 2}), "c x y d");
}

TEST(Retention, ByAgeABranchThatLivedThenCanBeReached) {
  RetainedWorld world = Forked();
  world.facts.now_micros += 10 * kDay;
  world.Add("x", BackupType::kFull, "", 2);
  world.facts.now_micros += 10 * kDay;
  world.Add("y", BackupType::kFull, "", 2);  // a, b, c: 24, 23, 22 days ago; x 11, y now
  EXPECT_EQ(world.Kept({.age = Span("5 days")}), "x y");
  EXPECT_EQ(world.Kept({.age = Span("22 days 12 hours")}), "b c x y");
  EXPECT_EQ(world.Kept({.age = Span("15 days")}), "b c x y")
      << "x is younger; b leads to then, and c is not older than b";
}

TEST(Retention, AnUnknownPathStopsEverything) {
  RetainedWorld world = Fulls(3);
  world.Timelines({{2, nullptr}});
  EXPECT_EQ(world.Kept({.full = 1}), "a b c");
  RetainedWorld empty = Fulls(3);
  empty.facts.timelines.clear();
  EXPECT_EQ(empty.Kept({.full = 1}), "a b c");
}

TEST(Retention, MonthsHaveTheirLengths) {
  auto back = [](const char* from, const char* span) {
    return FormatTimestamp(TimeBefore(ParseTimestamp(from, TimeZone::Utc()).value().micros, Span(span)));
  };
  EXPECT_EQ(back("2024-05-31 12:00:00+00", "1 month"), "2024-04-30 12:00:00+00");
  EXPECT_EQ(back("2024-02-29 12:00:00+00", "1 year"), "2023-02-28 12:00:00+00");
  EXPECT_EQ(back("2024-01-15 00:00:00+00", "1 month 15 days"), "2023-11-30 00:00:00+00");
  EXPECT_EQ(back("2024-03-01 00:00:01+00", "14 months"), "2023-01-01 00:00:01+00");
}

// Which of the segments 0..last of a timeline are needed, as runs.
std::string Needed(const RetainedWorld& world, const RetentionPolicy& policy, uint32_t timeline, uint64_t last) {
  const WalNeed need =
      WalNeed::Make(world.facts, DecideRetention(policy, world.facts), {kSegment, world.facts.now_micros - kDay});
  std::string text;
  for (uint64_t at = 0, begin = 0; at <= last + 1; at++) {
    const bool needed = at <= last && need.Needs({timeline}, {at});
    const bool before = at > 0 && need.Needs({timeline}, {at - 1});
    if (needed && !before) begin = at;
    if (!needed && before) text += (text.empty() ? "" : " ") + std::to_string(begin) + "-" + std::to_string(at - 1);
  }
  return text;
}

TEST(WalNeed, FromTheOldestBackupOn) {
  const RetainedWorld world = Fulls(4);
  EXPECT_EQ(Needed(world, {}, 1, 50), "10-50");
  EXPECT_EQ(Needed(world, {.full = 2}, 1, 50), "30-50");
}

TEST(WalNeed, AloneOnlyWhatMakesItConsistent) {
  RetainedWorld world = Fulls(4);
  world.facts.backups[0].held_for = "pinned";
  world.facts.backups[0].stop_lsn = {13 * kSegment};  // ends with segment 12
  EXPECT_EQ(Needed(world, {.full = 1}, 1, 50), "10-12 40-50");
}

TEST(WalNeed, BranchesThatNobodyReachesGo) {
  RetainedWorld world = Forked();
  world.Add("x", BackupType::kFull, "", 2);
  EXPECT_EQ(Needed(world, {.full = 2}, 1, 60), "20-60") << "b leads to both branches";
  EXPECT_EQ(Needed(world, {.full = 2}, 2, 60), "20-60");
  world.facts.now_micros += 2 * kDay;
  world.facts.timelines[1].newest_micros = world.facts.now_micros;
  EXPECT_EQ(Needed(world, {.full = 1}, 1, 60), "");
  EXPECT_EQ(Needed(world, {.full = 1}, 2, 60), "40-60");
  world.facts.timelines[0].newest_micros = world.facts.now_micros + 1;
  EXPECT_EQ(Needed(world, {.full = 1}, 1, 60), "30-60") << "both are written: c and x";
}

TEST(WalNeed, AYoungBranchWaits) {
  RetainedWorld world = Fulls(2);
  world.Timelines({{2, "1\t0/500000\tbefore a\n"}});
  world.facts.timelines[1].newest_micros = world.facts.now_micros - 3600;
  EXPECT_EQ(Needed(world, {.full = 1}, 2, 30), "0-30");
  world.facts.timelines[1].newest_micros -= 2 * kDay;
  EXPECT_EQ(Needed(world, {.full = 1}, 2, 30), "");
}

TEST(WalNeed, ABackupAcrossAPromotion) {
  RetainedWorld world = Fulls(1);
  world.Timelines({{2, "1\t0/1480000\tpromoted\n"}});  // in segment 20
  BackupFacts& across = world.Add("p", BackupType::kFull);
  across.stop_timeline = {2};
  across.stop_lsn = {22 * kSegment + 5};
  across.held_for = "pinned";
  world.Add("last", BackupType::kFull, "", 2);
  world.facts.now_micros += 9 * kDay;
  world.facts.timelines[1].newest_micros = world.facts.now_micros;
  EXPECT_EQ(world.Kept({.full = 1}), "p+ last");
  EXPECT_EQ(Needed(world, {.full = 1}, 1, 60), "20-22");
  EXPECT_EQ(Needed(world, {.full = 1}, 2, 60), "20-22 30-60");
}

TEST(WalNeed, AnUnreadableHistoryKeepsItsTimeline) {
  RetainedWorld world = Fulls(3);
  world.Timelines({{2, nullptr}, {3, "1\t0/500000\tx\n"}});
  world.facts.timelines[2].newest_micros = world.facts.now_micros;
  std::vector<Verdict> verdicts(3, Verdict{Keep::kNo, "x"});
  verdicts[2] = {Keep::kWindow, "x"};
  const WalNeed need = WalNeed::Make(world.facts, verdicts, {kSegment, world.facts.now_micros + kDay});
  EXPECT_TRUE(need.Needs({2}, {0}));
  EXPECT_FALSE(need.Needs({3}, {0}));
  EXPECT_TRUE(need.Needs({9}, {0})) << "a timeline that was not listed";
}

}  // namespace
}  // namespace pitr

#include "core/pg/timestamp.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNoon = 1795435200 * kSecond;  // 2026-11-23 12:00 UTC

TimeZone Zone(const char* name) {
  auto zone = TimeZone::ByName(name);
  EXPECT_TRUE(zone.ok()) << zone.status().ToString();
  return std::move(zone).value();
}

int64_t ParsedMicros(const std::string& text, const TimeZone& zone = TimeZone::Utc()) {
  auto parsed = ParseTimestamp(text, zone);
  EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
  return parsed.ok() ? parsed.value().micros : -1;
}

TEST(Timestamp, Forms) {
  for (const char* text :
       {"2026-11-23 12:00:00+00", "2026-11-23 12:00:00 UTC", "2026-11-23T12:00:00Z", "2026-11-23 12:00:00 +00:00",
        "2026-11-23 13:00:00+01", "2026-11-23 14:30:00 +02:30", "2026-11-23 14:30:00+0230", "2026-11-23 05:00:00-07",
        "2026-11-23 12:00 Z", "  2026-11-23   12:00:00.000   gmt  ", "2026-11-23 13:00:00 Europe/Berlin",
        "2026-11-23 07:00:00 America/New_York", "2026-11-23 13:00:00 CET", "2026-11-23 07:00:00 EST5EDT"})
    EXPECT_EQ(ParsedMicros(text), kNoon) << text;
  EXPECT_EQ(ParsedMicros("2026-11-23"), kNoon - 12 * 3600 * kSecond);
  EXPECT_EQ(ParsedMicros("2000-01-01 00:00:00"), kPgEpochMicros);
  EXPECT_EQ(ParsedMicros("2024-02-29 00:00:00"), 1709164800 * kSecond);
}

TEST(Timestamp, Fraction) {
  EXPECT_EQ(ParsedMicros("2026-11-23 12:00:00.5"), kNoon + 500000);
  EXPECT_EQ(ParsedMicros("2026-11-23 12:00:00.123456"), kNoon + 123456);
  EXPECT_EQ(ParsedMicros("2026-11-23 12:00:00.1234565"), kNoon + 123457);
  EXPECT_EQ(ParsedMicros("2026-11-23 12:00:00.12345649999999999999999"), kNoon + 123456);
  EXPECT_EQ(ParsedMicros("2026-11-23 11:59:59.9999999"), kNoon);
}

TEST(Timestamp, Refused) {
  for (const char* text : {"",
                           "now",
                           "2026",
                           "2026-13-01 00:00:00",
                           "2026-02-29 00:00:00",
                           "2026-04-31",
                           "2026-11-23 24:00:00",
                           "2026-11-23 12:60:00",
                           "2026-11-23 12:00:60",
                           "2026-11-23 12:00:00.",
                           "2026-11-23 12",
                           "2026-11-23T",
                           "2026-11-23 12:00:00 +",
                           "2026-11-23 12:00:00 +1:",
                           "2026-11-23 12:00:00 +01:75",
                           "2026-11-23 12:00:00 +99",
                           "2026-11-23 12:00:00 Nowhere/Land",
                           "2026-11-23 12:00:00 ../../etc/passwd",
                           "2026-11-23 12:00:00 /etc/passwd",
                           "1969-12-31 23:59:59",
                           "26-11-23 12:00:00",
                           "2026/11/23 12:00:00",
                           "2026-11-23 12:00:00 UTC x"}) {
    const auto parsed = ParseTimestamp(text, TimeZone::Utc());
    EXPECT_EQ(parsed.code(), Code::kInvalidArgument) << text;
    EXPECT_FALSE(parsed.status().hint().empty()) << text;
  }
}

TEST(Timestamp, WithoutZoneTheDefaultIsUsedAndReported) {
  const TimeZone berlin = Zone("Europe/Berlin");
  const auto without = ParseTimestamp("2026-11-23 13:00:00", berlin);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without.value().micros, kNoon);
  EXPECT_FALSE(without.value().has_zone);
  const auto with = ParseTimestamp("2026-11-23 13:00:00+01", berlin);
  EXPECT_TRUE(with.value().has_zone);
  EXPECT_EQ(DescribeTimestamp(kNoon, berlin), "2026-11-23 12:00:00+00 (2026-11-23 13:00:00+01 local time)");
  EXPECT_EQ(DescribeTimestamp(kNoon, TimeZone::Utc()), "2026-11-23 12:00:00+00");
}

TEST(Timestamp, ClockChanges) {
  const TimeZone berlin = Zone("Europe/Berlin");
  const auto skipped = ParseTimestamp("2026-03-29 02:30:00", berlin);  // 02:00 becomes 03:00
  EXPECT_FALSE(skipped.value().exact);
  EXPECT_EQ(FormatTimestamp(skipped.value().micros), "2026-03-29 01:30:00+00");
  const auto twice = ParseTimestamp("2026-10-25 02:30:00", berlin);  // 03:00 becomes 02:00
  EXPECT_FALSE(twice.value().exact);
  EXPECT_EQ(FormatTimestamp(twice.value().micros), "2026-10-25 01:30:00+00");  // the second time, as PostgreSQL
  EXPECT_EQ(skipped.value().inexact.ToString(),
            "invalid time \"2026-03-29 02:30:00\": it does not exist, clocks were set forward over it HINT: Give a "
            "time that exists, "
            "or the offset from UTC: 2026-03-29 02:30:00+01 is what clocks there called 2026-03-29 03:30:00+02.");
  EXPECT_EQ(
      twice.value().inexact.ToString(),
      "the time \"2026-10-25 02:30:00\" is ambiguous: clocks were set back, and it occurred twice HINT: Give it with "
      "its offset from UTC: 2026-10-25 02:30:00+02 is the first time, 2026-10-25 02:30:00+01 the second.");
  const auto before = ParseTimestamp("2026-10-25 01:59:59", berlin);
  EXPECT_TRUE(before.value().exact);
  EXPECT_EQ(FormatTimestamp(before.value().micros, berlin), "2026-10-25 01:59:59+02");
}

// SELECT '2024-07-01 12:00:00 CET'::timestamptz
TEST(Timestamp, AnAbbreviationIsOneOffsetAllYear) {
  for (const auto& [zone, utc] : std::vector<std::pair<std::string, std::string>>{{"CET", "11"},
                                                                                  {"cet", "11"},
                                                                                  {"MET", "11"},
                                                                                  {"EET", "10"},
                                                                                  {"WET", "12"},
                                                                                  {"EST", "17"},
                                                                                  {"MST", "19"},
                                                                                  {"HST", "22"},
                                                                                  {"EST5EDT", "16"}})
    EXPECT_EQ(FormatTimestamp(ParsedMicros("2024-07-01 12:00:00 " + zone)), "2024-07-01 " + utc + ":00:00+00") << zone;
}

TEST(Timestamp, FarFutureFollowsTheRule) {  // after the last entry of any zone file
  EXPECT_EQ(FormatTimestamp(ParsedMicros("2090-07-01 12:00:00Z"), Zone("Europe/Berlin")), "2090-07-01 14:00:00+02");
  EXPECT_EQ(FormatTimestamp(ParsedMicros("2090-01-01 12:00:00Z"), Zone("Europe/Berlin")), "2090-01-01 13:00:00+01");
  EXPECT_EQ(FormatTimestamp(ParsedMicros("2090-01-01 12:00:00Z"), Zone("Australia/Sydney")), "2090-01-01 23:00:00+11");
}

TEST(Timestamp, AgreesWithTheCLibrary) {
  for (const char* name :
       {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"}) {
    setenv("TZ", name, 1);
    const TimeZone local = TimeZone::Local();
    const TimeZone zone = Zone(name);
    for (int64_t at = 0; at < 4102444800; at += 86400 * 3 + 1801)
      ASSERT_EQ(local.OffsetAt(at), zone.OffsetAt(at)) << name << at;
  }
  unsetenv("TZ");
}

TEST(Timestamp, Print) {
  EXPECT_EQ(FormatTimestamp(kNoon + 120), "2026-11-23 12:00:00.00012+00");
  EXPECT_EQ(FormatToSecond(kNoon + 999999), "2026-11-23 12:00:00+00");
  EXPECT_EQ(FormatTimestamp(kNoon, TimeZone::Fixed(19800)), "2026-11-23 17:30:00+05:30");
  EXPECT_EQ(FormatTimestamp(kNoon, TimeZone::Fixed(-12600)), "2026-11-23 08:30:00-03:30");
  EXPECT_EQ(FormatIso8601(kNoon + 5), "2026-11-23T12:00:00.000005Z");
  EXPECT_EQ(FormatIso8601(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(MicrosFromPgTimestamp(0), kPgEpochMicros);
  EXPECT_EQ(MicrosFromPgTimestamp(INT64_MAX), INT64_MAX);
}

TEST(Timestamp, PrintedTimesParseBack) {
  for (int64_t micros : {int64_t{0}, int64_t{1}, kNoon, kNoon + 999999, kPgEpochMicros, int64_t{253402300799999999}}) {
    EXPECT_EQ(ParsedMicros(FormatTimestamp(micros)), micros);
    EXPECT_EQ(ParsedMicros(FormatIso8601(micros)), micros);
  }
}

}  // namespace
}  // namespace pitr

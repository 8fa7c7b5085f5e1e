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
  EXPECT_EQ(ParsedMicros("2026-11-23 12:00:00.1234567"), kNoon + 123457);
  EXPECT_EQ(ParsedMicros("2026-11-23 12:00:00.12345649999999999999999"), kNoon + 123456);
  EXPECT_EQ(ParsedMicros("2026-11-23 11:59:59.9999999"), kNoon);
}

TEST(Timestamp, Refused) {
  for (const char* text : {"",
                           "2026",
                           "2026-13-01 00:00:00",
                           "2026-02-29 00:00:00",
                           "2026-04-31",
                           "2026-11-23 12:60:00",
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
                           "2026-11-23 24:00:01",
                           "2026-11-23 12:00:61",
                           "11/23/2026",
                           "23.11.2026",
                           "Nov 23",
                           "23 Nov 26",
                           "18:50",
                           "2026-11-23 12",
                           "2026-11-23 12:30.5",
                           "2026-11-23-12:30",
                           "2026-11-23 13:00 PM",
                           "2026-11-23 12:00 today",
                           "now 12:00",
                           "yesterday 2026-11-23",
                           "Tue Nov 23 12:00:00 2026",
                           "2026-11-23 12:00:00 UTC+3",
                           "2026-11-23 12:00:00 CET DST",
                           "15 min",
                           "-15",
                           "-15 min ago",
                           "-1 day 2 hours",
                           "1.5 days ago",
                           "100 years ago",
                           "a while ago",
                           "2026-11-23 12:00:00 UTC x"}) {
    const auto parsed = ParseTimestamp(text, TimeZone::Utc());
    EXPECT_EQ(parsed.code(), Code::kInvalidArgument) << text;
    EXPECT_FALSE(parsed.status().hint().empty()) << text;
  }
}

TEST(Timestamp, AWordBeforeAnyTimeIsNoZone) {
  EXPECT_EQ(ParseTimestamp("1 fortnight ago", TimeZone::Utc()).status().message(),
            "invalid time \"1 fortnight ago\": it is not clear what \"fortnight\" is");
  EXPECT_EQ(ParseTimestamp("epoch", TimeZone::Utc()).status().message(),
            "invalid time \"epoch\": it is not clear what \"epoch\" is");
  EXPECT_NE(ParseTimestamp("2026-11-23 12:00 Mars", TimeZone::Utc()).status().message().find("zone \"Mars\""),
            std::string::npos);
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

// As a server reads them; test/t/004_targets.pl asks one about many more.
TEST(Timestamp, FieldsInAnyOrder) {
  for (const char* text : {"20261123T120000Z", "20261123 1200", "2026/11/23 12:00", "Mon Nov 23 12:00:00 UTC 2026",
                           "23 Nov 2026 12:00 PM", "Mon, 23 Nov 2026 13:00:00 +0100", "November 23, 2026 12:00",
                           "23-Nov-2026 12:00", "2026-11-23 1:00 pm CET", "2026-11-23 11:59:60"})
    EXPECT_EQ(ParsedMicros(text), kNoon) << text;
  EXPECT_EQ(ParsedMicros("2026-11-22 24:00:00"), ParsedMicros("2026-11-23"));
  EXPECT_EQ(ParsedMicros("2026-11-23 12:05 AM"), ParsedMicros("2026-11-23 00:05"));
  EXPECT_EQ(ParsedMicros("2024-07-01 12:00 europe/berlin"), ParsedMicros("2024-07-01 10:00"));
  EXPECT_EQ(ParsedMicros("2010-07-01 12:00 MSK"), ParsedMicros("2010-07-01 09:00")) << "what it was called before";
  EXPECT_EQ(ParsedMicros("2012-07-01 12:00 MSK"), ParsedMicros("2012-07-01 08:00")) << "three years of summer time";
  EXPECT_EQ(ParsedMicros("2024-07-01 12:00 MSK"), ParsedMicros("2024-07-01 09:00"));
}

TEST(Timestamp, RelativeToNow) {
  const TimeZone berlin = Zone("Europe/Berlin");
  const int64_t now = ParsedMicros("2026-03-31 12:00:00.25+02");  // clocks were set forward on the 29th
  const auto read = [&](const std::string& text) {
    const auto parsed = ParseTimestamp(text, berlin, now);
    EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
    return parsed.ok() ? FormatTimestamp(parsed.value().micros, berlin) : "";
  };
  EXPECT_EQ(read("now"), "2026-03-31 12:00:00.25+02");
  EXPECT_EQ(read("yesterday 18:50"), "2026-03-30 18:50:00+02");
  EXPECT_EQ(read("18:50 Yesterday"), "2026-03-30 18:50:00+02");
  EXPECT_EQ(read("today"), "2026-03-31 00:00:00+02");
  EXPECT_EQ(read("today 14:00 UTC"), "2026-03-31 16:00:00+02");
  EXPECT_EQ(read("tomorrow at 2:00 am"), "2026-04-01 02:00:00+02");
  EXPECT_EQ(read("-15min"), "2026-03-31 11:45:00.25+02");
  EXPECT_EQ(read("now - 15 min"), "2026-03-31 11:45:00.25+02");
  EXPECT_EQ(read("15 minutes ago"), "2026-03-31 11:45:00.25+02");
  EXPECT_EQ(read("1.5 hours ago"), "2026-03-31 10:30:00.25+02");
  EXPECT_EQ(read("3 days ago"), "2026-03-28 12:00:00.25+01") << "by the clock, not 72 hours";
  EXPECT_EQ(read("72 hours ago"), "2026-03-28 11:00:00.25+01");
  EXPECT_EQ(read("-1 day -2 hours"), "2026-03-30 10:00:00.25+02");
  EXPECT_EQ(read("1 month ago"), "2026-02-28 12:00:00.25+01");
  EXPECT_EQ(read("+1 week"), "2026-04-07 12:00:00.25+02");
  EXPECT_FALSE(ParseTimestamp("2 days ago", berlin, ParsedMicros("2026-03-31 02:30:00+02")).value().exact);
}

TEST(Timestamp, AnAbbreviationThatMeansSomethingElseHere) {
  const auto israel = ParseTimestamp("2024-07-01 12:00 IST", Zone("Asia/Jerusalem"));
  EXPECT_EQ(FormatTimestamp(israel.value().micros), "2024-07-01 10:00:00+00");
  const auto india = ParseTimestamp("2024-07-01 12:00 IST", Zone("Asia/Kolkata"));
  EXPECT_EQ(
      india.status().ToString(),
      "the time \"2024-07-01 12:00 IST\" is ambiguous: in this machine's time zone \"IST\" is another one than in "
      "PostgreSQL's table HINT: Give the offset from UTC: +05:30 here, +02 in the table.");
  EXPECT_EQ(ParseTimestamp("2024-07-01 12:00 IST", TimeZone::Utc()).value().micros, israel.value().micros);
  setenv("TZ", "Asia/Jakarta", 1);
  EXPECT_EQ(FormatTimestamp(ParseTimestamp("2024-07-01 12:00 WIB").value().micros), "2024-07-01 05:00:00+00");
  unsetenv("TZ");
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

// Starts no thread.
#include "core/expire/expire_settings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/config/settings.h"
#include "core/report/expire_report.h"

namespace pitr {
namespace {

TEST(ExpireSettings, PolicyFromSettings) {
  Config config;
  EXPECT_TRUE(ExpireRequestOf(config).value().policy.empty());
  for (const auto& [name, value] :
       {std::pair("retention_full", "3"), std::pair("retention_diff", "5"), std::pair("retention_age", "3 weeks"),
        std::pair("retention_monthly", "7 years"), std::pair("expire_leftover_age", "2h")})
    ASSERT_TRUE(ApplySetting(*FindSetting(name), value, config).ok()) << name;
  const ExpireRequest request = ExpireRequestOf(config).value();
  EXPECT_EQ(request.policy.full, 3);
  EXPECT_EQ(request.policy.diff, 5);
  EXPECT_EQ(request.policy.age.micros, int64_t{21} * 86400 * 1000000);
  EXPECT_EQ(request.policy.monthly.months, 84);
  EXPECT_EQ(request.leftover_age_micros, int64_t{7200} * 1000000);
  EXPECT_FALSE(request.policy.empty());
}

TEST(ExpireSettings, AWrongTimeNeverReachesAFile) {
  Config config;
  for (const char* name : {"retention_age", "retention_monthly"}) {
    const Status wrong = ApplySetting(*FindSetting(name), "3 fortnights", config);
    EXPECT_EQ(wrong.code(), Code::kInvalidArgument);
    EXPECT_NE(wrong.hint().find("3 weeks"), std::string::npos);
  }
  config.retention_age = "soon";
  EXPECT_EQ(ExpireRequestOf(config).code(), Code::kInvalidArgument);
}

TEST(ExpireReports, SayWhatHappened) {
  ExpireReport report;
  report.rows.push_back({ExpireAction::kKeep, "backup", "b", 0, 100, "pinned"});
  report.rows.push_back({ExpireAction::kDelete, "backup", "a", 6, 2048, "outside of the newest 1 full backup"});
  EXPECT_TRUE(report.Complete());
  EXPECT_TRUE(ProblemsOf(report).ok());
  EXPECT_NE(ExpireText(report, true, 5).find("would delete 6 objects, 2.0 kB; nothing was changed"), std::string::npos);
  EXPECT_NE(ExpireText(report, false, 1500).find("deleted 6 objects, 2.0 kB in 1.5 s"), std::string::npos);
  EXPECT_EQ(ExpireJson(report, true, 5)["dry_run"], true);
  report.rows.push_back({ExpireAction::kRefused, "wal", "wal/x", 1, 5, "locked"});
  EXPECT_EQ(ProblemsOf(report).code(), Code::kPermission);
  report.rows.insert(report.rows.begin(), {ExpireAction::kBlocked, "backup", "c", 0, 0, "its manifest cannot be read"});
  EXPECT_EQ(ProblemsOf(report).code(), Code::kCorruption);
  EXPECT_NE(ProblemsOf(report).message().find("\"c\""), std::string::npos);
  EXPECT_EQ(ExpireJson(report, false, 5)["complete"], false);
}

}  // namespace
}  // namespace pitr

#include "core/config/settings.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include <cstdint>
#include <set>

#include "lib/golden.h"

namespace pitr {
namespace {

// Fails to compile when Config gets a member that is not named here.
std::vector<const void*> MembersOf(const Config& config) {
  const auto& [repository, cluster_name, passphrase_file, s3_endpoint, s3_region, s3_addressing, s3_ca_file,
               s3_verify_tls, s3_credentials_file, s3_profile, s3_storage_class, s3_sse, s3_sse_kms_key_id,
               s3_object_tags, s3_object_lock_mode, s3_object_lock_days, s3_requester_pays, proxy,
               proxy_credentials_file, request_timeout_ms, retry_timeout_ms, compression_level, change_map,
               archive_jobs, backup_jobs, restore_jobs, backup_max_rate_kb, max_chain_length, change_source,
               verify_jobs, verify_max_rate_kb, backup_wal_timeout_ms, part_size_kb, pack_size_kb, retention_full,
               retention_diff, retention_age, retention_monthly, expire_after_backup, expire_leftover_age_ms,
               restore_hold_ms] = config;
  return {&repository,
          &cluster_name,
          &passphrase_file,
          &s3_endpoint,
          &s3_region,
          &s3_addressing,
          &s3_ca_file,
          &s3_verify_tls,
          &s3_credentials_file,
          &s3_profile,
          &s3_storage_class,
          &s3_sse,
          &s3_sse_kms_key_id,
          &s3_object_tags,
          &s3_object_lock_mode,
          &s3_object_lock_days,
          &s3_requester_pays,
          &proxy,
          &proxy_credentials_file,
          &request_timeout_ms,
          &retry_timeout_ms,
          &compression_level,
          &change_map,
          &archive_jobs,
          &backup_jobs,
          &restore_jobs,
          &backup_max_rate_kb,
          &max_chain_length,
          &change_source,
          &verify_jobs,
          &verify_max_rate_kb,
          &backup_wal_timeout_ms,
          &part_size_kb,
          &pack_size_kb,
          &retention_full,
          &retention_diff,
          &retention_age,
          &retention_monthly,
          &expire_after_backup,
          &expire_leftover_age_ms,
          &restore_hold_ms};
}

TEST(Settings, EveryMemberOfConfigIsInTheTableOnce) {
  const Config config;
  std::multiset<const void*> in_table;
  std::set<std::string> names;
  for (const Setting& setting : AllSettings()) {
    in_table.insert(std::visit([&](auto member) -> const void* { return &(config.*member); }, setting.member));
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_TRUE(std::string_view(setting.description).ends_with('.')) << setting.name;
  }
  for (const void* member : MembersOf(config)) EXPECT_EQ(in_table.count(member), 1u);
  EXPECT_EQ(in_table.size(), MembersOf(config).size());
}

TEST(Settings, DefaultsAreWithinTheirLimits) {
  const Config config;
  for (const Setting& setting : AllSettings()) {
    Config copy = config;
    EXPECT_TRUE(ApplySetting(setting, ShowSetting(setting, config), copy).ok()) << setting.name;
    EXPECT_EQ(ShowSetting(setting, copy), ShowSetting(setting, config)) << setting.name;
  }
}

int Apply(const char* name, std::string_view text) {
  Config config;
  const Setting* setting = FindSetting(name);
  if (Status status = ApplySetting(*setting, text, config); !status.ok()) {
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_NE(status.message().find(setting->name), std::string::npos);
    EXPECT_FALSE(status.hint().empty()) << text;
    return -1;
  }
  return config.*std::get<int Config::*>(setting->member);
}

TEST(Settings, UnitsAreThoseOfTheServer) {
  EXPECT_EQ(Apply("part_size", "16MB"), 16384);
  EXPECT_EQ(Apply("part_size", " 16 MB "), 16384);
  EXPECT_EQ(Apply("part_size", "16384"), 16384);
  EXPECT_EQ(Apply("part_size", "16384kB"), 16384);
  EXPECT_EQ(Apply("part_size", "0.0625GB"), 65536);
  EXPECT_EQ(Apply("part_size", "6291456B"), 6144);
  EXPECT_EQ(Apply("pack_size", "0.001TB"), 1073742);
  EXPECT_EQ(Apply("part_size", "0x4000"), 16384);
  EXPECT_EQ(Apply("part_size", "040000"), 16384);
  EXPECT_EQ(Apply("part_size", "1.6384e4"), 16384);
  for (const char* bad :
       {"", "MB", "16mb", "16 XB", "16MBs", "-16MB", "1e999", "4MB", "2GB", "16 s", "nan", "inf", "0x", "16MB MB"})
    EXPECT_EQ(Apply("part_size", bad), -1) << bad;
  EXPECT_EQ(Apply("retry_timeout", "2min"), 120000);
  EXPECT_EQ(Apply("retry_timeout", "1.5h"), 5400000);
  EXPECT_EQ(Apply("retry_timeout", "90s"), 90000);
  EXPECT_EQ(Apply("retry_timeout", "1d"), 86400000);
  EXPECT_EQ(Apply("retry_timeout", "250"), 250);
  EXPECT_EQ(Apply("retry_timeout", "2500us"), 2);
  EXPECT_EQ(Apply("retry_timeout", "25h"), -1);
  EXPECT_EQ(Apply("archive_jobs", "8"), 8);
  EXPECT_EQ(Apply("archive_jobs", "8kB"), -1);
  EXPECT_EQ(Apply("archive_jobs", "0"), -1);
  EXPECT_EQ(Apply("archive_jobs", "99999999999999999999"), -1);
  EXPECT_EQ(Apply("backup_max_rate", "2147483647"), INT32_MAX);
  EXPECT_EQ(Apply("backup_max_rate", "2147483648"), -1);
}

TEST(Settings, BooleansAreThoseOfTheServer) {
  const Setting* setting = FindSetting("s3_verify_tls");
  Config config;
  for (const char* yes : {"on", "ON", "true", "t", "tr", "yes", "y", "1", " on "}) {
    config.s3_verify_tls = false;
    EXPECT_TRUE(ApplySetting(*setting, yes, config).ok()) << yes;
    EXPECT_TRUE(config.s3_verify_tls) << yes;
  }
  for (const char* no : {"off", "of", "false", "f", "no", "n", "0"}) {
    config.s3_verify_tls = true;
    EXPECT_TRUE(ApplySetting(*setting, no, config).ok()) << no;
    EXPECT_FALSE(config.s3_verify_tls) << no;
  }
  for (const char* bad : {"", "o", "2", "onn", "truee", "maybe"})
    EXPECT_EQ(ApplySetting(*setting, bad, config).code(), Code::kInvalidArgument) << bad;
}

TEST(Settings, ChoicesAreListed) {
  Config config;
  EXPECT_TRUE(ApplySetting(*FindSetting("s3_sse"), "", config).ok());
  EXPECT_TRUE(ApplySetting(*FindSetting("s3_sse"), "aws:kms", config).ok());
  Status status = ApplySetting(*FindSetting("s3_addressing"), "virtuall", config);
  EXPECT_EQ(status.hint(), "Available values: \"auto\", \"path\", \"virtual\".");
  EXPECT_EQ(ApplySetting(*FindSetting("s3_addressing"), "", config).code(), Code::kInvalidArgument);
  EXPECT_EQ(ApplySetting(*FindSetting("s3_region"), "a\nb", config).code(), Code::kInvalidArgument);
}

TEST(Settings, NamesAreFoundWithAndWithoutPrefix) {
  EXPECT_EQ(FindSetting("pg_pitr.part_size"), FindSetting("part_size"));
  EXPECT_EQ(FindSetting("PG_PITR.Part_Size"), FindSetting("part_size"));
  EXPECT_EQ(FindSetting("part_siz"), nullptr);
  EXPECT_EQ(FindSetting(""), nullptr);
  EXPECT_EQ(UnknownSetting("pg_pitr.repositry").hint(), "Perhaps you meant \"pg_pitr.repository\".");
  EXPECT_EQ(UnknownSetting("pg_pitr.zzzzzz").hint(), "");
  EXPECT_EQ(UnknownSetting("pg_pitr." + std::string(100000, 'x')).code(), Code::kInvalidArgument);
}

TEST(Settings, NoUrlCarriesCredentials) {
  Config config;
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, std::string>>{{"proxy", "http://user:secret@proxy:3128"},
                                                        {"proxy", "user:sec/ret@proxy:3128"},
                                                        {"proxy", "user@proxy"},
                                                        {"s3_endpoint", "https://user:secret@s3.example.com"},
                                                        {"s3_endpoint", "user:secret@s3.example.com"},
                                                        {"repository", "s3://key:secret@bucket/prefix"}}) {
    const Status refused = ApplySetting(*FindSetting(name), value, config);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << value;
    EXPECT_EQ(refused.ToString().find("sec"), std::string::npos) << refused.ToString();
    EXPECT_NE(refused.hint().find("_file"), std::string::npos) << refused.hint();
  }
  for (const auto& [name, value] : std::vector<std::pair<const char*, std::string>>{
           {"proxy", "http://proxy:3128"}, {"repository", "file:///srv/a@b/c"}, {"repository", "s3://bucket/a@b"}})
    EXPECT_TRUE(ApplySetting(*FindSetting(name), value, config).ok()) << value;
}

TEST(Settings, DescribedInFullAndWithoutSecrets) {
  Config config;
  config.proxy = "http://proxy:3128";
  config.retry_timeout_ms = 90000;
  const std::vector<ConfigRow> rows = DescribeConfig(config);
  ASSERT_EQ(rows.size(), AllSettings().size());
  for (const ConfigRow& row : rows) {
    if (row.name == "pg_pitr.proxy") { EXPECT_EQ(row.value, "http://proxy:3128"); }
    if (row.name == "pg_pitr.retry_timeout") { EXPECT_EQ(row.value, "90s"); }
    EXPECT_EQ(row.is_default, row.name != "pg_pitr.proxy" && row.name != "pg_pitr.retry_timeout") << row.name;
  }
}

struct Combination {
  const char* name;
  void (*change)(Config&);
  const char* complaint;  // nullptr: fine
};

TEST(Settings, CombinationsAreChecked) {
  const Combination combinations[] = {
      {"directory", [](Config&) {}, nullptr},
      {"no repository", [](Config& c) { c.repository = ""; }, "is not set"},
      {"relative", [](Config& c) { c.repository = "file://srv/x"; }, "is not an absolute path"},
      {"root", [](Config& c) { c.repository = "file:///"; }, "root directory"},
      {"other scheme", [](Config& c) { c.repository = "gs://x"; }, "no known kind"},
      {"bucket only", [](Config& c) { c.repository = "s3://bucket"; }, nullptr},
      {"no bucket", [](Config& c) { c.repository = "s3:///x"; }, "names no bucket"},
      {"relative passphrase file", [](Config& c) { c.passphrase_file = "x"; }, "passphrase_file"},
      {"kms key alone", [](Config& c) { c.repository = "s3://b/p", c.s3_sse_kms_key_id = "k"; }, "aws:kms"},
      {"lock mode alone", [](Config& c) { c.repository = "s3://b/p", c.s3_object_lock_mode = "GOVERNANCE"; },
       "go together"},
      {"lock days alone", [](Config& c) { c.repository = "s3://b/p", c.s3_object_lock_days = 1; }, "go together"},
      {"tags", [](Config& c) { c.repository = "s3://b/p", c.s3_object_tags = "a=1&b="; }, nullptr},
      {"bad tags", [](Config& c) { c.repository = "s3://b/p", c.s3_object_tags = "a=1&b"; }, "s3_object_tags"},
      {"too many parts", [](Config& c) { c.pack_size_kb = 64 << 20, c.part_size_kb = 5120; }, "part_size"},
  };
  for (const Combination& combination : combinations) {
    Config config;
    config.repository = "file:///srv/backup";
    combination.change(config);
    Status status = ValidateConfig(config);
    if (combination.complaint == nullptr) {
      EXPECT_TRUE(status.ok()) << combination.name << ": " << status.ToString();
      continue;
    }
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << combination.name;
    EXPECT_NE(status.message().find(combination.complaint), std::string::npos)
        << combination.name << ": " << status.message();
    EXPECT_FALSE(status.hint().empty()) << combination.name;
  }
}

// docs/reference.md names every setting, and none that does not exist.
TEST(Settings, AreDocumented) {
  std::ifstream file(GoldenDirectory() + "/../../docs/reference.md");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t start = text.find("\n## Settings\n");
  ASSERT_NE(start, std::string::npos);
  size_t rows = 0;
  for (size_t at = start; (at = text.find("\n| `", at)) != std::string::npos; at++) rows++;
  for (const Setting& setting : AllSettings())
    EXPECT_NE(text.find("\n| `" + std::string(setting.name) + "` |", start), std::string::npos) << setting.name;
  EXPECT_EQ(rows, AllSettings().size());
}

TEST(Settings, AValueThatIsUnderstoodOtherwiseThanItIsWritten) {
  const auto understood = [](const char* name, const char* text) { return UnderstoodAs(*FindSetting(name), text); };
  EXPECT_EQ(understood("pack_size", "1048576"), "1GB");
  EXPECT_EQ(understood("pack_size", "1 GB"), "");
  EXPECT_EQ(understood("pack_size", "1024MB"), "1GB");
  EXPECT_EQ(understood("pack_size", "1 gb"), "") << "which PostgreSQL refuses";
  EXPECT_EQ(understood("backup_wal_timeout", "90 s"), "");
  EXPECT_EQ(understood("backup_wal_timeout", "600 s"), "10min");
  EXPECT_EQ(understood("backup_wal_timeout", "600000"), "10min");
  EXPECT_EQ(understood("verify_jobs", "4"), "");
  EXPECT_EQ(understood("verify_jobs", "0x10"), "16");
  EXPECT_EQ(understood("retention_age", "3 weeks"), "");
  EXPECT_EQ(understood("retention_age", "28 D"), "4 weeks");
  EXPECT_EQ(understood("repository", "file:///srv/x"), "");
}

TEST(Settings, UnitsInAnotherCase) {
  Config config;
  const Setting& rate = *FindSetting("verify_max_rate");
  EXPECT_TRUE(ApplyOption(rate, "10 mb", config).ok());
  EXPECT_EQ(config.verify_max_rate_kb, 10 * 1024);
  const Status refused = ApplySetting(rate, "10 mb", config);  // as the server does
  EXPECT_EQ(
      refused.ToString(),
      "invalid value for setting \"pg_pitr.verify_max_rate\": \"10 mb\" HINT: To PostgreSQL case counts in units: "
      "write \"MB\".");
  EXPECT_EQ(ApplyOption(rate, "10 mib", config).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr

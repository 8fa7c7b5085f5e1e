// The settings of the original beside those of the machine it is restored on, and whether that server archives.
// Starts no thread.
#include "core/restore/configured_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/backup/data/kept_settings.h"
#include "core/restore/recovery_settings.h"
#include "core/restore/restore_mark.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

void Put(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

class ConfiguredServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base_ = fs::temp_directory_path() / ("pitr-configured-" + std::to_string(getpid()));
    data_ = base_ / "data";
    fs::create_directories(data_);
    file_ = base_ / "postgresql.conf";
    backup_.label = "20260522-090014F";
    backup_.settings = {{"archive_library", "pg_pitr"},
                        {"archive_mode", "on"},
                        {"max_connections", "300"},
                        {"primary_conninfo", std::nullopt},
                        {"shared_preload_libraries", "pg_pitr, pg_cron"}};
  }
  void TearDown() override { fs::remove_all(base_); }
  std::string Describe() { return DescribeLackingSettings(backup_, ReadConfiguredServer(data_, file_)); }

  fs::path base_, data_, file_;
  BackupManifest backup_;
};

TEST_F(ConfiguredServerTest, NamesWhatAReadyMadeClusterLacks) {
  Put(file_, "max_connections = 100\nport = 5432\n");
  EXPECT_EQ(Describe(),
            "The server had settings when backup 20260522-090014F was taken that \"" + file_.string() +
                "\" does not have: archive_library = 'pg_pitr', archive_mode = 'on', "
                "shared_preload_libraries = 'pg_pitr, pg_cron'. Also, with values that backups do not keep: "
                "primary_conninfo. Set otherwise: max_connections = '300' (here '100'). As it is the server "
                "does NOT ARCHIVE (archive_mode is not on), and nothing that is done on it can be recovered: "
                "set what it needs before it is started.");
}

TEST_F(ConfiguredServerTest, IsSilentWhereNothingDiffers) {
  Put(file_, "Archive_Mode = true\narchive_library = 'pg_pitr'\nshared_preload_libraries = 'pg_pitr,pg_cron'\n");
  Put(data_ / "postgresql.auto.conf", "max_connections = '300'\nprimary_conninfo = 'host=a'\n");
  EXPECT_EQ(Describe(), "");
}

// Backups that were taken between a recovery and the next start of the server have them.
TEST_F(ConfiguredServerTest, ARecoverysOwnSettingsAreNotCompared) {
  backup_.settings = {
      {"recovery_target_name", "k1"}, {"restore_command", std::nullopt}, {"recovery_end_command", std::nullopt}};
  Put(file_, "recovery_target_action = 'shutdown'\n");
  EXPECT_EQ(Describe(), "");
}

TEST_F(ConfiguredServerTest, WhatTheRestoreWroteIsNotTheServersOwn) {
  backup_.settings = {{"max_connections", "300"}};
  Put(file_, "max_connections = 100\n");
  Put(data_ / "postgresql.auto.conf", "max_connections = '300'\n");
  EXPECT_EQ(Describe(), "");
  RestoreMark mark;
  mark.settings = {{"max_connections", "300", false}};
  auto tree = ClusterTree::Open(data_);
  ASSERT_TRUE(tree.ok());
  ASSERT_TRUE(WriteRestoreMark(tree.value(), mark).ok());
  EXPECT_NE(Describe().find("max_connections = '300' (here '100')"), std::string::npos) << Describe();
}

TEST_F(ConfiguredServerTest, SaysThatAMissingFileCouldNotBeRead) {
  const std::string text = Describe();
  EXPECT_NE(text.find(", which could not be read, does not have: archive_library"), text.npos) << text;
  EXPECT_NE(text.find("NOT ARCHIVE, and"), text.npos) << text;
}

TEST_F(ConfiguredServerTest, KnowsByTheCommandLineHowTheServerWasStarted) {
  Put(file_, "archive_mode = off\n");
  Put(data_ / "postmaster.opts", "/usr/lib/postgresql/15/bin/postgres \"-D\" \"" + data_.string() +
                                     "\" \"-c\" \"config_file=" + file_.string() + "\"\n");
  EXPECT_EQ(ReadStartedServer(data_).file, file_);
  EXPECT_EQ(WhyNotArchiving(ReadStartedServer(data_)), "archive_mode is not on");
  Put(file_, "archive_mode = on\narchive_command = 'cp %p /x'\n");
  EXPECT_EQ(WhyNotArchiving(ReadStartedServer(data_)), "archive_library is not pg_pitr");
  Put(file_, "archive_mode = on\narchive_library = 'pg_pitr'\n");
  EXPECT_EQ(WhyNotArchiving(ReadStartedServer(data_)), "");
  Put(data_ / "postmaster.opts", "postgres \"--config-file=" + file_.string() + "\" \"-c\" \"archive_mode=off\"\n");
  EXPECT_EQ(WhyNotArchiving(ReadStartedServer(data_)), "archive_mode is not on");
  EXPECT_EQ(WhyStartedNotArchiving(ReadStartedServer(data_)),
            "archive_mode is not on by the command line that the server was started with (postmaster.opts)");
  Put(data_ / "postmaster.opts", "postgres \"--config-file=" + file_.string() + "\"\n");
  EXPECT_EQ(WhyStartedNotArchiving(ReadStartedServer(data_)), "");
  Put(file_, "archive_mode = off\n");
  EXPECT_EQ(WhyStartedNotArchiving(ReadStartedServer(data_)), "archive_mode is not on in \"" + file_.string() + "\"");
  Put(data_ / "postgresql.auto.conf", "archive_mode = 'on'\narchive_library = 'other'\n");
  EXPECT_EQ(WhyStartedNotArchiving(ReadStartedServer(data_)), "archive_library is not pg_pitr in postgresql.auto.conf");
  fs::remove(data_ / "postgresql.auto.conf");
  Put(file_, "port = 1\n");
  EXPECT_EQ(
      WhyStartedNotArchiving(ReadStartedServer(data_)),
      "archive_mode is not on in \"" + file_.string() + "\", postgresql.auto.conf or on the server's command line");
  fs::remove(file_);
  EXPECT_EQ(WhyNotArchiving(ReadStartedServer(data_)), "");  // what cannot be read proves nothing
}

TEST(KeptSettings, AreNotThoseOfARecovery) {
  RecoverySettings settings;
  settings.pg_major = 16;
  settings.target.kind = TargetKind::kName;
  settings.target.name = "k1";
  settings.restore_command = "x";
  for (const RecoverySetting& written : RecoverySettingList(settings)) {
    if (written.name == "recovery_min_apply_delay") continue;  // written as its default, which backups do not keep
    EXPECT_TRUE(KeptSettings({{written.name, "string", written.value}}).empty()) << written.name;
  }
  EXPECT_EQ(KeptSettings({{"recovery_prefetch", "enum", "off"}}).size(), 1U);
}

TEST(KeptSettings, HoldNoSecrets) {
  const auto kept = KeptSettings({{"work_mem", "integer", "64MB"},
                                  {"primary_conninfo", "string", "password=x"},
                                  {"archive_command", "string", "KEY=x cp"},
                                  {"ssl_passphrase_command", "string", "echo x"},
                                  {"app.api", "string", "x"},
                                  {"app.on", "bool", "on"},
                                  {"cron.host", "string", ""},
                                  {"pg_pitr.passphrase_file", "string", "/etc/pg_pitr.passphrase"},
                                  {"pg_pitr.proxy", "string", "http://u:x@proxy"},
                                  {"data_directory", "string", "/var/lib/postgresql/15/main"}});
  std::string text;
  for (const ServerSetting& setting : kept) text += setting.name + "=" + setting.value.value_or("?") + "\n";
  EXPECT_EQ(text,
            "app.api=?\napp.on=on\narchive_command=?\ncron.host=\npg_pitr.passphrase_file=/etc/pg_pitr.passphrase\n"
            "pg_pitr.proxy=?\nprimary_conninfo=?\nssl_passphrase_command=?\nwork_mem=64MB\n");
}

}  // namespace
}  // namespace pitr

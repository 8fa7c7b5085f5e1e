#include "core/config/settings_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/config/named_files.h"

namespace pitr {
namespace {

class SettingsFile : public testing::Test {
 protected:
  SettingsFile() {
    char name[] = "/tmp/pg_pitr_settings_XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~SettingsFile() override { std::filesystem::remove_all(dir_); }
  std::string Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir_ + "/" + name).parent_path());
    std::ofstream(dir_ + "/" + name) << text;
    return dir_ + "/" + name;
  }
  std::string dir_;
};

std::string ErrorOf(const Result<Config>& config) { return config.ok() ? "no error" : config.status().ToString(); }

TEST_F(SettingsFile, SyntaxOfTheServer) {
  auto config = LoadSettingsFile(Write("a.conf",
                                       "# comment\n"
                                       "\n"
                                       "shared_buffers = 128MB   # others are ignored\n"
                                       "listen_addresses = '*'\n"
                                       "foo.bar 1.5e3\n"
                                       "pg_pitr.repository = 'file:///srv/it''s \\'here\\'\\101'# comment\n"
                                       "  PG_PITR.S3_Region eu-west-1\n"
                                       "pg_pitr.s3_endpoint=minio:9000\n"
                                       "pg_pitr.retry_timeout = 30s\r\n"
                                       "pg_pitr.retry_timeout = 40s\n"
                                       "pg_pitr.s3_verify_tls off"));
  ASSERT_TRUE(config.ok()) << ErrorOf(config);
  EXPECT_EQ(config.value().repository, "file:///srv/it's 'here'A");
  EXPECT_EQ(config.value().s3_region, "eu-west-1");
  EXPECT_EQ(config.value().s3_endpoint, "minio:9000");
  EXPECT_EQ(config.value().retry_timeout_ms, 40000);
  EXPECT_FALSE(config.value().s3_verify_tls);
}

TEST_F(SettingsFile, AByteOrderMarkIsCalledThat) {
  const std::string path = Write("bom.conf", "\xEF\xBB\xBFpg_pitr.repository = 'file:///srv/x'\n");
  const auto config = LoadSettingsFile(path);
  ASSERT_EQ(config.code(), Code::kInvalidArgument);
  EXPECT_EQ(config.status().message(), "settings file \"" + path + "\" begins with a byte order mark");
  EXPECT_NE(config.status().hint().find("without BOM"), std::string::npos);
}

TEST_F(SettingsFile, FilesThatSettingsNameAreLookedAtFirst) {
  Config config;
  config.repository = "s3://bucket/x";
  EXPECT_TRUE(CheckNamedFiles(config).ok());
  config.s3_credentials_file = Write("key", "access_key_id = a\n");
  EXPECT_TRUE(CheckNamedFiles(config).ok());
  config.passphrase_file = dir_ + "/none";
  const Status absent = CheckNamedFiles(config);
  EXPECT_EQ(absent.ToString(),
            "passphrase file \"" + dir_ + "/none\" does not exist HINT: Make it, or correct pg_pitr.passphrase_file.");
  config.passphrase_file.clear();
  config.s3_ca_file = dir_ + "/none.pem";
  EXPECT_EQ(CheckNamedFiles(config).message(), "CA file \"" + dir_ + "/none.pem\" does not exist");
  config.repository = "file:///srv/x";
  EXPECT_TRUE(CheckNamedFiles(config).ok()) << "not for S3";
}

TEST_F(SettingsFile, WhatIsWrongIsSetAsideForThoseWhoCanDoWithout) {
  const std::string path = Write("a.conf",
                                 "pg_pitr.repository = 'file:///srv/x'\n"
                                 "pg_pitr.retention_ful = 3\n"
                                 "pg_pitr.archive_jobs = 1000\n"
                                 "pg_pitr.backup_jobs = none\n"
                                 "pg_pitr.backup_jobs = 3\n");
  const auto loaded = LoadSettings(path);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.value().config.repository, "file:///srv/x");
  EXPECT_EQ(loaded.value().config.archive_jobs, Config().archive_jobs);
  EXPECT_EQ(loaded.value().config.backup_jobs, 3);
  ASSERT_EQ(loaded.value().problems.size(), 2U);
  EXPECT_EQ(loaded.value().problems[0].name, "pg_pitr.retention_ful");
  EXPECT_EQ(loaded.value().problems[0].status.ToString(),
            "file \"" + path +
                "\" line 2: unrecognized setting \"pg_pitr.retention_ful\" HINT: Perhaps you meant "
                "\"pg_pitr.retention_full\".");
  Config config = loaded.value().config;
  EXPECT_FALSE(IsNeededForReading(loaded.value().problems[1].name, config));
  EXPECT_TRUE(HasEffect(loaded.value().problems[1].name, config));
  EXPECT_TRUE(IsNeededForReading("pg_pitr.passphrase_file", config));
  // What is for S3 means nothing for a directory.
  for (const char* name : {"pg_pitr.s3_endpoint", "pg_pitr.s3_sse", "pg_pitr.proxy"}) {
    config.repository = "file:///srv/x";
    EXPECT_FALSE(HasEffect(name, config)) << name;
    EXPECT_FALSE(IsNeededForReading(name, config)) << name;
    config.repository = "s3://bucket/x";
    EXPECT_TRUE(HasEffect(name, config)) << name;
  }
  EXPECT_TRUE(IsNeededForReading("pg_pitr.s3_endpoint", config));
  EXPECT_FALSE(IsNeededForReading("pg_pitr.s3_sse", config));
  EXPECT_FALSE(HasEffect("pg_pitr.retention_ful", config));
}

TEST_F(SettingsFile, ReadingNeedsNothingOfWhatIsStored) {
  Config config;
  config.repository = "s3://bucket/x";
  config.s3_object_lock_mode = "GOVERNANCE";
  config.proxy_credentials_file = "/etc/proxy";
  config.pack_size_kb = 64 * 1024 * 1024;
  config.part_size_kb = 5 * 1024;
  config.retry_timeout_ms = 5;
  EXPECT_FALSE(ValidateConfig(config).ok());
  const Config reading = OnlyForReading(config);
  EXPECT_TRUE(ValidateConfig(reading).ok()) << ValidateConfig(reading).ToString();
  EXPECT_EQ(reading.repository, config.repository);
  EXPECT_EQ(reading.retry_timeout_ms, 5);
  config.repository = "";
  EXPECT_FALSE(ValidateConfig(OnlyForReading(config)).ok());
}

TEST_F(SettingsFile, SyntaxErrorsNameFileAndLine) {
  for (const char* text : {"x", "x =", "= 1", "x = 'open", "x = 'a' b", "x = a b", "x = *", "a.b.c = 1", "1x = 2",
                           "x = 1.5.5", "x = '\\", "x = /srv", "x == 1", "x = 1.e", "x = +"}) {
    const std::string path = Write("bad.conf", std::string("ok = 1\n") + text + "\n");
    auto config = LoadSettingsFile(path);
    ASSERT_EQ(config.code(), Code::kInvalidArgument) << text;
    EXPECT_NE(config.status().message().find("\"" + path + "\" line 2"), std::string::npos)
        << config.status().message();
  }
}

TEST_F(SettingsFile, WrongNamesAndValuesNameFileAndLine) {
  auto unknown = LoadSettingsFile(Write("a.conf", "\npg_pitr.repositori = 'x'\n"));
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_EQ(unknown.status().message(),
            "file \"" + dir_ + "/a.conf\" line 2: unrecognized setting \"pg_pitr.repositori\"");
  EXPECT_EQ(unknown.status().hint(), "Perhaps you meant \"pg_pitr.repository\".");
  auto value = LoadSettingsFile(Write("a.conf", "pg_pitr.archive_jobs = 1000\n"));
  EXPECT_EQ(value.status().message(),
            "file \"" + dir_ + "/a.conf\" line 1: invalid value for setting \"pg_pitr.archive_jobs\": \"1000\"");
  EXPECT_EQ(value.status().hint(), "It must be between 1 and 64.");
}

TEST_F(SettingsFile, Includes) {
  Write("conf.d/20.conf", "pg_pitr.archive_jobs = 20\n");
  Write("conf.d/10.conf", "pg_pitr.archive_jobs = 10\npg_pitr.backup_jobs = 10\n");
  Write("conf.d/.hidden.conf", "nonsense!\n");
  Write("conf.d/other.txt", "nonsense!\n");
  Write("conf.d/dir.conf/x", "");
  Write("sub/one.conf", "include 'two.conf'\n");
  Write("sub/two.conf", "pg_pitr.cluster_name = orders\n");
  auto config = LoadSettingsFile(Write("main.conf",
                                       "include_if_exists = 'missing.conf'\n"
                                       "include_dir 'conf.d'\n"
                                       "Include 'sub/one.conf'\n"));
  ASSERT_TRUE(config.ok()) << ErrorOf(config);
  EXPECT_EQ(config.value().archive_jobs, 20);
  EXPECT_EQ(config.value().backup_jobs, 10);
  EXPECT_EQ(config.value().cluster_name, "orders");
}

TEST_F(SettingsFile, IncludesThatFail) {
  auto missing = LoadSettingsFile(Write("main.conf", "include 'missing.conf'\n"));
  EXPECT_EQ(missing.code(), Code::kInvalidArgument);
  EXPECT_NE(missing.status().message().find("missing.conf"), std::string::npos);
  auto loop = LoadSettingsFile(Write("loop.conf", "include 'loop.conf'\n"));
  EXPECT_EQ(loop.code(), Code::kInvalidArgument);
  EXPECT_NE(loop.status().message().find("maximum nesting depth exceeded"), std::string::npos) << ErrorOf(loop);
  // Ten lines that each include the file again: bounded by the number of files, not by ten to the tenth.
  std::string fan;
  for (int i = 0; i < 10; i++) fan += "include_if_exists 'fan.conf'\n";
  EXPECT_EQ(LoadSettingsFile(Write("fan.conf", fan)).code(), Code::kInvalidArgument);
  EXPECT_EQ(LoadSettingsFile(Write("dir.conf", "include_dir 'nowhere'\n")).code(), Code::kInvalidArgument);
}

TEST_F(SettingsFile, FilesThatCannotBeRead) {
  EXPECT_EQ(LoadSettingsFile(dir_ + "/none").code(), Code::kInvalidArgument);
  EXPECT_EQ(LoadSettingsFile(dir_).code(), Code::kInvalidArgument);
  ASSERT_EQ(mkfifo((dir_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(LoadSettingsFile(dir_ + "/fifo").code(), Code::kInvalidArgument);  // and does not block
  EXPECT_EQ(LoadSettingsFile(Write("big.conf", std::string(kMaxSettingsFileBytes + 1, '\n'))).code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr

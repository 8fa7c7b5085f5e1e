// Starts no thread.
#include "core/restore/server_start.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace pitr {
namespace {

namespace fs = std::filesystem;

class ServerStartTest : public testing::Test {
 protected:
  ServerStartTest() : root_(testing::TempDir() + "server_start_" + std::to_string(getpid())), copy_(root_ + "/copy") {
    fs::create_directories(copy_);
    fs::create_directories(root_ + "/production");
    fs::create_directories(root_ + "/etc");
  }
  ~ServerStartTest() override { fs::remove_all(root_); }

  static void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  std::string Command(bool as_copy = false) const { return HowToStart(copy_, Etc(), as_copy).command; }
  std::string Etc() const { return root_ + "/etc/postgresql.conf"; }

  const std::string root_, copy_;
};

TEST_F(ServerStartTest, NothingIsAddedWhereTheDirectoryHasItsOwnConfiguration) {
  Write(copy_ + "/postgresql.conf", "port = 5432\n");
  EXPECT_EQ(Command(), "pg_ctl start -D " + copy_);
  EXPECT_EQ(Command(true), "pg_ctl start -D " + copy_ + " -o '-p 5499'");
  EXPECT_EQ(DescribeElsewhere(HowToStart(copy_, "", false), copy_), "");
  // It may name the directory itself, also by another path.
  fs::create_directory_symlink(copy_, root_ + "/link");
  Write(copy_ + "/postgresql.conf", "data_directory = '" + root_ + "/link'\n");
  EXPECT_EQ(Command(), "pg_ctl start -D " + copy_);
}

TEST_F(ServerStartTest, AnotherDirectoryInTheConfigurationIsOverriddenAndSaid) {
  Write(copy_ + "/postgresql.conf", "include 'more.conf'\n");
  Write(copy_ + "/more.conf", "Data_Directory = '" + root_ + "/production'\n");
  EXPECT_EQ(Command(), "pg_ctl start -D " + copy_ + " -o '-c data_directory=" + copy_ + "'");
  const ServerStart start = HowToStart(copy_, "", false);
  EXPECT_EQ(start.elsewhere, root_ + "/production");
  EXPECT_NE(DescribeElsewhere(start, copy_).find("starts the server of that directory"), std::string::npos);
}

TEST_F(ServerStartTest, WhatCouldNotBeReadMayNameAnything) {
  Write(copy_ + "/postgresql.conf", "include '/nowhere/more.conf'\n");
  EXPECT_EQ(Command(), "pg_ctl start -D " + copy_ + " -o '-c data_directory=" + copy_ + "'");
}

TEST_F(ServerStartTest, ConfigurationOutside) {
  const auto given = [&](const std::string& file) {
    return "pg_ctl start -D " + copy_ + " -o '-c config_file=" + file + " -c data_directory=" + copy_ + "'";
  };
  EXPECT_EQ(Command(), given("FILE")) << "it is not on this machine";
  const std::string missing = DescribeMissingConfiguration(HowToStart(copy_, Etc(), false), copy_);
  EXPECT_NE(missing.find(Etc() + "\", outside of its data directory, and is not on this machine"), std::string::npos)
      << missing;
  EXPECT_NE(missing.find("in place of FILE"), std::string::npos) << missing;
  Write(Etc(), "data_directory = '" + root_ + "/production'\n");
  EXPECT_EQ(Command(), given(Etc()));
  const ServerStart start = HowToStart(copy_, Etc(), false);
  EXPECT_EQ(start.elsewhere, root_ + "/production");
  EXPECT_EQ(DescribeMissingConfiguration(start, copy_).find("service"), std::string::npos);
  // pg_ctl -D alone finds no configuration in the directory.
  EXPECT_EQ(DescribeElsewhere(start, copy_).find("pg_ctl"), std::string::npos) << DescribeElsewhere(start, copy_);
  // Restored in place: the service will do.
  Write(Etc(), "data_directory = '" + copy_ + "'\n");
  EXPECT_NE(DescribeMissingConfiguration(HowToStart(copy_, Etc(), false), copy_).find("service"), std::string::npos);
  EXPECT_NE(HowToStart(copy_, "", false).command.find("config_file=FILE"), std::string::npos) << "not known";
}

// Debian: the directory of a cluster with another name than the original's.
TEST_F(ServerStartTest, ConfigurationThatNamesTheDirectoryIsItsOwn) {
  for (const char* cluster : {"/etc/15/main", "/etc/15/new", "/etc/15/other", "/etc/old/new"})
    fs::create_directories(root_ + cluster);
  const std::string main = root_ + "/etc/15/main/postgresql.conf", own = root_ + "/etc/15/new/postgresql.conf";
  Write(root_ + "/etc/old/new/postgresql.conf", "data_directory = '" + copy_ + "'\n");  // of no version
  Write(root_ + "/etc/15/other/postgresql.conf", "port = 5434\n");
  Write(own, "port = 5433\ndata_directory = '" + copy_ + "'\n");
  for (const bool production : {false, true}) {
    if (production) Write(main, "data_directory = '" + root_ + "/production'\n");
    const ServerStart start = HowToStart(copy_, main, false);
    EXPECT_EQ(start.configuration, own);
    EXPECT_EQ(start.command, "pg_ctl start -D " + copy_ + " -o '-c config_file=" + own + "'");
    EXPECT_EQ(DescribeElsewhere(start, copy_), "");
    const std::string text = DescribeMissingConfiguration(start, copy_);
    EXPECT_NE(text.find(own + "\", which names it"), std::string::npos) << text;
    EXPECT_NE(text.find("service"), std::string::npos) << text;
  }
  fs::remove(own);
  EXPECT_EQ(HowToStart(copy_, main, false).configuration, main) << "none is the directory's";
}

TEST_F(ServerStartTest, EachPathIsOneWordOfAShell) {
  const std::string odd = root_ + "/it's a copy";
  fs::create_directories(odd);
  Write(odd + "/postgresql.conf", "data_directory = '/elsewhere'\n");
  const std::string seen = root_ + "/seen";
  // The shell of whoever types it, then that of pg_ctl.
  std::string command = HowToStart(odd, "", false).command;
  command.replace(0, command.find(" -D"), "printf '%s\\n'");
  ASSERT_EQ(std::system((command + " > " + seen).c_str()), 0);
  std::ifstream in(seen);
  std::string line, inner;
  std::getline(in, line);
  std::getline(in, line);
  EXPECT_EQ(line, odd);
  std::getline(in, line);
  std::getline(in, inner);
  ASSERT_EQ(std::system(("printf '%s\\n' " + inner + " > " + seen).c_str()), 0);
  std::ifstream again(seen);
  std::getline(again, line);
  std::getline(again, line);
  EXPECT_EQ(line, "data_directory=" + odd);
}

}  // namespace
}  // namespace pitr

// A command line that cannot be run: what it is told, word by word.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/print.h"
#include "cli/verbs.h"

namespace pitr::cli {
namespace {

struct Answer {
  int code;
  std::string out, err;
};

Answer Ask(std::vector<std::string> words) {
  NameConfigInCommands("", {});  // another test's
  words.insert(words.begin(), "pg_pitr");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Answer answer;
  answer.code = RunCommandLine(static_cast<int>(argv.size()), argv.data());
  answer.out = testing::internal::GetCapturedStdout();
  answer.err = testing::internal::GetCapturedStderr();
  return answer;
}

std::string Error(const std::vector<std::string>& words) {
  const Answer answer = Ask(words);
  EXPECT_EQ(answer.code, kExitUsage);
  EXPECT_EQ(answer.out, "");
  return answer.err;
}

TEST(UsageTest, AMistypedVerbIsAnsweredWithTheNearest) {
  EXPECT_EQ(Error({"resotre", "-D", "x"}),
            "pg_pitr: error: unknown verb \"resotre\"\nHINT:  Perhaps you meant: pg_pitr restore\n");
  EXPECT_EQ(Error({"key", "lsit"}),
            "pg_pitr: error: unknown action \"lsit\" of pg_pitr key\nHINT:  Perhaps you meant: pg_pitr key list\n");
  const std::string nothing_near = Error({"frobnicate"});
  EXPECT_EQ(
      nothing_near.find("pg_pitr: error: unknown verb \"frobnicate\"\nHINT:  The verbs are info, plan, restore, "), 0U)
      << nothing_near;
}

TEST(UsageTest, WhatOthersCallAVerbIsNamed) {
  EXPECT_EQ(Error({"backup"}),
            "pg_pitr: error: unknown verb \"backup\"\nHINT:  Backups are taken by the server, in SQL: SELECT "
            "pitr_backup();\n");
  EXPECT_NE(Error({"status"}).find("SELECT * FROM pitr_status"), std::string::npos);
  EXPECT_NE(Error({"init"}).find("Nothing has to be initialised"), std::string::npos);
}

TEST(UsageTest, NoVerbAndNoAction) {
  EXPECT_EQ(Error({}).find("pg_pitr: error: no verb was given\nHINT:  The verbs are info, "), 0U);
  EXPECT_EQ(Error({"key"}).find("pg_pitr: error: no action of pg_pitr key was given\nHINT:  Its actions are "), 0U);
}

TEST(UsageTest, AnUnknownOptionIsAnsweredWithTheNearest) {
  EXPECT_EQ(
      Error({"plan", "--target-tme", "x"}),
      "pg_pitr: error: unknown option \"--target-tme\" of pg_pitr plan\nHINT:  Perhaps you meant --target-time.\n");
  EXPECT_EQ(Error({"plan", "-c", "/x", "--frobnicate"}),
            "pg_pitr: error: unknown option \"--frobnicate\" of pg_pitr plan\nHINT:  pg_pitr plan --help lists its "
            "options.\n");
}

// A shell variable that is not set must not turn the next option into a value.
TEST(UsageTest, AnOptionIsNoValue) {
  const std::string empty = " was given an empty value\nHINT:  Was a variable of the shell not set?";
  for (const std::string option : {"--pgdata=", "--waldir=", "--target-time=", "--backup="}) {
    const std::string name = option.substr(0, option.size() - 1);
    EXPECT_NE(Error({"restore", option, "--dry-run"}).find(name + empty), std::string::npos) << option;
    EXPECT_NE(Error({"restore", "--dry-run", option}).find(name + empty), std::string::npos) << option;
    EXPECT_EQ(Error({"restore", name, "--dry-run"}),
              "pg_pitr: error: \"--dry-run\" stands where the value of " + name +
                  " belongs\nHINT:  Was a variable of the shell not set? A value that begins so is written " + name +
                  "=--dry-run.\n");
  }
  for (const std::string flag : {"--force", "--delta", "--as-copy", "--unprotected"})
    EXPECT_NE(Error({"restore", "-D", "/x", flag + "="}).find(flag + empty), std::string::npos) << flag;
  for (const std::string word : {"--as-copy", "-c"})
    EXPECT_NE(Error({"restore", "-D", word}).find("\"" + word + "\" stands where the value of -D belongs"),
              std::string::npos);
  const Answer json = Ask({"plan", "--target-time=", "--json"});
  EXPECT_EQ(json.code, kExitUsage);
  EXPECT_EQ(nlohmann::json::parse(json.out)["error"]["message"], "--target-time was given an empty value");
  // What begins with a minus and is a value.
  for (const std::vector<std::string>& words : {std::vector<std::string>{"plan", "--target-time", "-15min"},
                                                {"pin", "x", "--reason=--x"},
                                                {"pin", "x", "--reason", ""}})
    EXPECT_EQ(Error(words).find("stands where"), std::string::npos) << words[2];
}

TEST(UsageTest, OtherMistakesNameTheHelp) {
  EXPECT_EQ(Error({"pin"}), "pg_pitr: error: pg_pitr pin needs LABEL\nHINT:  pg_pitr pin --help explains it.\n");
  EXPECT_EQ(Error({"merge"}), "pg_pitr: error: pg_pitr merge needs BACKUP\nHINT:  pg_pitr merge --help explains it.\n");
  EXPECT_EQ(Error({"pin", "x", "--reason"}),
            "pg_pitr: error: pg_pitr pin needs TEXT behind --reason\nHINT:  pg_pitr pin --help explains it.\n");
  EXPECT_EQ(Error({"key", "add"}),
            "pg_pitr: error: pg_pitr key add needs FILE\nHINT:  pg_pitr key add --help explains it.\n");
}

TEST(UsageTest, HelpIsAVerb) {
  const Answer all = Ask({"help"}), verb = Ask({"help", "plan"}), action = Ask({"help", "key", "add"});
  EXPECT_EQ(all.code, kExitOk);
  EXPECT_EQ(all.out, Ask({"--help"}).out);
  EXPECT_EQ(verb.code, kExitOk);
  EXPECT_EQ(verb.out, Ask({"plan", "--help"}).out);
  EXPECT_EQ(action.out, Ask({"key", "add", "--help"}).out);
  EXPECT_EQ(Error({"help", "resotre"}),
            "pg_pitr: error: unknown verb \"resotre\"\nHINT:  Perhaps you meant: pg_pitr restore\n");
}

TEST(UsageTest, ProgramsAreToldInOneObject) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"resotre", "--json"}, {"pin", "--json"}, {"info", "--json", "-c", "/no/such/file"}}) {
    const Answer answer = Ask(words);
    EXPECT_EQ(answer.code, kExitUsage);
    const auto json = nlohmann::json::parse(answer.out);
    ASSERT_EQ(json.size(), 1U) << answer.out;
    const auto& error = json["error"];
    EXPECT_EQ(error.size(), 4U) << answer.out;
    EXPECT_EQ(error["code"], "invalid_argument");
    EXPECT_TRUE(error["detail"].is_null());
    EXPECT_EQ(answer.err, "pg_pitr: error: " + error["message"].get<std::string>() +
                              "\nHINT:  " + error["hint"].get<std::string>() + "\n");
  }
}

TEST(UsageTest, NoSettingsFile) {
  EXPECT_EQ(
      Error({"info", "--config", "/no/such/file"}),
      "pg_pitr: error: there is no settings file \"/no/such/file\"\nHINT:  Give it with --config FILE, or name it in "
      "the variable PG_PITR_CONFIG. The server's postgresql.conf will do: of it, and of what it includes, the "
      "pg_pitr.* lines are read.\n");
}

}  // namespace
}  // namespace pitr::cli

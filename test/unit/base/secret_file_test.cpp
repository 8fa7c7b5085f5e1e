// Starts no thread.
#include "core/base/secret_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "core/base/unreadable_file.h"

namespace pitr {
namespace {

class SecretFile : public testing::Test {
 protected:
  SecretFile() {
    char name[] = "/tmp/pg_pitr_secret_XXXXXX";
    dir_ = mkdtemp(name);
    path_ = dir_ + "/secret";
  }
  ~SecretFile() override { std::filesystem::remove_all(dir_); }
  Result<Secret> Read(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_) << text;
    chmod(path_.c_str(), mode);
    return ReadSecretFile(path_, "passphrase file");
  }
  std::string dir_, path_;
};

TEST_F(SecretFile, OneLineWithoutItsEnd) {
  EXPECT_EQ(Read("tr0ub4dor &3").value().view(), "tr0ub4dor &3");
  EXPECT_EQ(Read("tr0ub4dor &3\n").value().view(), "tr0ub4dor &3");
  EXPECT_EQ(Read(" x \r\n").value().view(), " x ");
  EXPECT_EQ(Read(std::string(kMaxSecretBytes, 'x') + "\n").value().view().size(), kMaxSecretBytes);
}

TEST_F(SecretFile, RefusesWhatIsNotOneLine) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("\r\n"), std::string("hunter2\nhunter2\n"),
        std::string("hunter2\n\n"), std::string("hunter2\0", 8), std::string(kMaxSecretBytes + 1, 'x'),
        std::string(100000, 'x')}) {
    auto secret = Read(text);
    ASSERT_EQ(secret.code(), Code::kInvalidArgument) << text.size();
    EXPECT_EQ(secret.status().ToString().find("hunter2"), std::string::npos);
    EXPECT_NE(secret.status().message().find(path_), std::string::npos);
  }
}

TEST_F(SecretFile, RefusesWhatOthersCanRead) {
  for (mode_t mode : {0604, 0602, 0660, 0777}) {
    auto secret = Read("hunter2", mode);
    ASSERT_EQ(secret.code(), Code::kPermission) << mode;
    EXPECT_NE(secret.status().hint().find("chmod 0600"), std::string::npos);
  }
  // The group may read what root has put there.
  EXPECT_EQ(Read("hunter2", 0640).ok(), geteuid() == 0);
  EXPECT_TRUE(Read("hunter2", 0400).ok());
}

TEST_F(SecretFile, AMissingFileIsASettingThatIsWrong) {
  EXPECT_EQ(ReadSecretFile(path_ + "x", "passphrase file").code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadSecretFile(dir_, "passphrase file").code(), Code::kInvalidArgument);
  ASSERT_EQ(mkfifo((dir_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(ReadSecretFile(dir_ + "/fifo", "passphrase file").code(), Code::kInvalidArgument);
}

TEST_F(SecretFile, AByteOrderMarkIsNoPartOfASecret) {
  const auto secret = Read("\xEF\xBB\xBFsesame\n");
  EXPECT_EQ(secret.code(), Code::kInvalidArgument);
  EXPECT_NE(secret.status().message().find("begins with a byte order mark"), std::string::npos);
}

TEST_F(SecretFile, WhoMayNotReadIsToldWhoMay) {
  ASSERT_TRUE(Read("sesame\n").ok());
  const Status refused = UnreadableFile("passphrase file", path_, EACCES);
  EXPECT_EQ(refused.code(), Code::kPermission);
  EXPECT_EQ(refused.message().find("passphrase file \"" + path_ + "\" cannot be read by user "), 0U)
      << refused.message();
  EXPECT_EQ(refused.hint(), "It belongs to this user, and has mode 0600: chmod u+r " + path_ + ".");
  EXPECT_EQ(UnreadableFile("settings directory", dir_, EACCES).hint(),
            "It belongs to this user, and has mode 0700: chmod u+rwx " + dir_ + ".");
  if (geteuid() != 0) return;
  ASSERT_EQ(lchown(path_.c_str(), 65534, 65534), 0);
  const Status others = UnreadableFile("passphrase file", path_, EACCES);
  EXPECT_EQ(others.hint().find("It belongs to user "), 0U) << others.hint();
  EXPECT_NE(others.hint().find(" and has mode 0600. Run this as that user"), std::string::npos) << others.hint();
  EXPECT_NE(others.hint().find("read it (chown, chmod)."), std::string::npos) << others.hint();
}

TEST_F(SecretFile, MovingLeavesNothingBehind) {
  Secret first(std::string_view("hunter2"));
  Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(second.view(), "hunter2");
}

}  // namespace
}  // namespace pitr

// What is particular to directories; what all stores share is in test/store_suite.
// Starts no thread.
#include "core/store/directory.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/store/file_error.h"
#include "core/store/open.h"
#include "lib/memory_log.h"
#include "unit/store/directory_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class Directory : public test::DirectoryFixture<> {
 protected:
  void SetUp() override { store_ = Open(true); }

  std::unique_ptr<DirectoryStore> Open(bool create) {
    auto store = DirectoryStore::Open(root_, create);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }
  Status Create(const std::string& key, std::string_view body = "x") { return store_->Create(key, AsBytes(body), {}); }
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    auto page = store_->List("", "", {});
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    if (page.ok())
      for (const ObjectInfo& object : page.value().objects) keys.push_back(object.key);
    return keys;
  }
  std::vector<std::string> Names(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  // Every operation's status on a store whose root is not right.
  void ExpectAllRefused(Code code) {
    const Bytes body{1};
    for (const Status& status :
         {store_->Create("a", body, {}), store_->Get("a", {}, [](ByteView) { return Status::Ok(); }, {}),
          store_->Stat("a", {}).status(), store_->List("", "", {}).status(), store_->Delete({"a"}, {}),
          store_->BeginUpload("a", {}).status(), store_->PutPart("a", std::string(32, '0'), 1, 0, body, {}).status(),
          store_->AbortUpload("a", std::string(32, '0'), {}), store_->ListUploads("", {}).status()}) {
      EXPECT_EQ(CodeName(status.code()), CodeName(code)) << status.ToString();
      EXPECT_NE(status.hint(), "") << status.ToString();
    }
  }

  std::unique_ptr<DirectoryStore> store_;
};

TEST_F(Directory, MissingRootIsNotAnEmptyArchive) {
  fs::remove_all(root_);
  ExpectAllRefused(Code::kInvalidArgument);
  EXPECT_FALSE(fs::exists(root_)) << "nothing may be created in the place of a missing file system";
}

TEST_F(Directory, BareMountPointIsNotAnEmptyArchive) {
  fs::remove_all(root_);
  fs::create_directory(root_);
  ExpectAllRefused(Code::kInvalidArgument);
  fs::create_directory(root_ / "lost+found");
  ExpectAllRefused(Code::kInvalidArgument);
  EXPECT_EQ(Names(root_), std::vector<std::string>{"lost+found"});
}

TEST_F(Directory, FileInPlaceOfTheRoot) {
  fs::remove_all(root_);
  std::ofstream(root_) << "x";
  ExpectAllRefused(Code::kInvalidArgument);
}

TEST_F(Directory, FreshStoreIsEmptyAndAnswers) {
  EXPECT_EQ(Keys(), std::vector<std::string>{});
  EXPECT_EQ(store_->Stat("a", {}).code(), Code::kNotFound);
  EXPECT_EQ(Names(root_), std::vector<std::string>{".tmp~"});
}

TEST_F(Directory, CopyWithoutTheTemporaryAreaWorks) {
  ASSERT_TRUE(Create("a/b").ok());
  fs::remove_all(root_ / ".tmp~");
  EXPECT_EQ(Keys(), std::vector<std::string>{"a/b"});
  EXPECT_EQ(store_->Stat("c", {}).code(), Code::kNotFound);
  EXPECT_TRUE(Create("c").ok());
}

TEST_F(Directory, OpeningTouchesNothingUnlessAsked) {
  fs::remove_all(root_);
  (void)Open(false);
  EXPECT_FALSE(fs::exists(root_));
  root_ = base_ / "some" / "where" / "else";
  // A path that is mistyped high up is not made.
  const Status refused = DirectoryStore::Open(root_, true).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("some/where\" does not exist"), std::string::npos) << refused.ToString();
  EXPECT_FALSE(fs::exists(base_ / "some"));
  fs::create_directories(root_.parent_path());
  auto store = Open(true);
  EXPECT_TRUE(store->List("", "", {}).ok());
  EXPECT_EQ(store->Describe(), "file://" + root_.string());
}

TEST_F(Directory, EmptiedStoreStaysAStore) {
  ASSERT_TRUE(Create("a/b/c/d").ok());
  ASSERT_TRUE(Create("a/x").ok());
  ASSERT_TRUE(store_->Delete({"a/b/c/d"}, {}).ok());
  EXPECT_EQ(Names(root_ / "a"), std::vector<std::string>{"x"});
  ASSERT_TRUE(store_->Delete({"a/x"}, {}).ok());
  EXPECT_EQ(Names(root_), std::vector<std::string>{".tmp~"});
  EXPECT_EQ(store_->Stat("a/x", {}).code(), Code::kNotFound);
}

TEST_F(Directory, ModesDoNotDependOnTheUmask) {
  for (const mode_t mask : {0077, 0000, 0027}) {
    const mode_t old = umask(mask);
    const std::string name = "m" + std::to_string(mask);
    const Status status = Create(name + "/f");
    umask(old);
    ASSERT_TRUE(status.ok()) << status.ToString();
    struct stat st {};
    ASSERT_EQ(stat((root_ / name / "f").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0640u);
    ASSERT_EQ(stat((root_ / name).c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0750u);
  }
}

TEST_F(Directory, NothingTemporaryStays) {
  ASSERT_TRUE(Create("a").ok());
  EXPECT_EQ(Create("a").code(), Code::kAlreadyExists);
  EXPECT_EQ(Names(root_ / ".tmp~"), std::vector<std::string>{"reserve"});
}

TEST_F(Directory, LeftoversOfACrashAreListedAndSwept) {
  // A writer that dies between opening its temporary file and naming it.
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    auto id = store_->BeginUpload("wal/00000001/seg", {});
    _exit(id.ok() && store_->PutPart("wal/00000001/seg", id.value(), 1, 0, AsBytes("half"), {}).ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(Keys(), std::vector<std::string>{});
  auto uploads = store_->ListUploads("wal/", {});
  ASSERT_TRUE(uploads.ok());
  ASSERT_EQ(uploads.value().size(), 1u);
  EXPECT_EQ(uploads.value()[0].key, "wal/00000001/seg");
  EXPECT_NEAR(uploads.value()[0].initiated_micros, SystemClock().WallMicros(), 60e6);
  EXPECT_TRUE(Create("wal/00000001/seg").ok());
  EXPECT_TRUE(store_->AbortUpload(uploads.value()[0].key, uploads.value()[0].upload_id, {}).ok());
  EXPECT_EQ(Names(root_ / ".tmp~"), std::vector<std::string>{"reserve"});
  EXPECT_EQ(Keys(), std::vector<std::string>{"wal/00000001/seg"});
}

TEST_F(Directory, UploadIdsCannotLeadOutside) {
  std::ofstream(base_ / "victim") << "x";
  for (const char* id : {"../../victim", "../../../victim", "/etc/passwd", "", "..", "0"}) {
    EXPECT_TRUE(store_->AbortUpload("victim", id, {}).ok());
    EXPECT_EQ(store_->PutPart("victim", id, 1, 0, AsBytes("y"), {}).code(), Code::kNotFound);
  }
  EXPECT_EQ(fs::file_size(base_ / "victim"), 1u);
}

TEST_F(Directory, FailedWriteLeavesNothing) {
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Status status = Create("big", std::string(5000, 'x'));
    _exit(status.code() == Code::kInvalidArgument ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Keys(), std::vector<std::string>{});
  EXPECT_EQ(Names(root_ / ".tmp~"), std::vector<std::string>{"reserve"});
}

TEST_F(Directory, KeyCannotBeObjectAndParent) {
  ASSERT_TRUE(Create("a").ok());
  ASSERT_TRUE(Create("d/x").ok());
  EXPECT_EQ(Create("a/b").code(), Code::kInvalidArgument);
  EXPECT_EQ(Create("d").code(), Code::kInvalidArgument);
  EXPECT_EQ(store_->Stat("a/b", {}).code(), Code::kNotFound);
  EXPECT_EQ(store_->Stat("d", {}).code(), Code::kNotFound);
  EXPECT_TRUE(store_->Delete({"a/b", "d"}, {}).ok());
  EXPECT_EQ(Keys(), (std::vector<std::string>{"a", "d/x"}));
  EXPECT_EQ(Names(root_ / ".tmp~"), std::vector<std::string>{"reserve"});
}

TEST_F(Directory, WhatIsNotOursIsNotListed) {
  ASSERT_TRUE(Create("a").ok());
  fs::create_directory(root_ / "lost+found");
  std::ofstream(root_ / "lost+found" / "#123") << "x";
  fs::create_directory(root_ / ".snapshot");
  std::ofstream(root_ / ".snapshot" / "a") << "x";
  std::ofstream(root_ / "not a key") << "x";
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(Keys(), std::vector<std::string>{"a"});
  EXPECT_EQ(Create(".snapshot/b").code(), Code::kInvalidArgument);
  EXPECT_EQ(store_->List("lost+found/", "", {}).value().objects.size(), 0u);
}

TEST_F(Directory, ShrunkenUploadIsNotCompleted) {
  auto id = store_->BeginUpload("k", {});
  ASSERT_TRUE(id.ok());
  auto part = store_->PutPart("k", id.value(), 1, 0, AsBytes("0123456789"), {});
  ASSERT_TRUE(part.ok());
  for (const auto& entry : fs::directory_iterator(root_ / ".tmp~"))
    if (entry.is_regular_file()) fs::resize_file(entry.path(), 5);
  EXPECT_EQ(store_->CompleteUpload("k", id.value(), {part.value()}, {}).code(), Code::kCorruption);
  EXPECT_EQ(store_->CompleteUpload("k", id.value(), {{1, "nonsense"}}, {}).code(), Code::kInvalidArgument);
  EXPECT_EQ(store_->Stat("k", {}).code(), Code::kNotFound);
}

TEST(DirectoryOpen, PathMustBeAbsolute) {
  EXPECT_EQ(DirectoryStore::Open("relative", false).code(), Code::kInvalidArgument);
  EXPECT_EQ(DirectoryStore::Open("", false).code(), Code::kInvalidArgument);
}

TEST(FileError, SaysWhatToDo) {
  EXPECT_EQ(FileError(ENOSPC, "writing \"x\"").code(), Code::kUnavailable);
  EXPECT_NE(FileError(ENOSPC, "writing \"x\"").hint(), "");
  EXPECT_EQ(FileError(EDQUOT, "w").code(), Code::kUnavailable);
  EXPECT_EQ(FileError(EACCES, "w").code(), Code::kPermission);
  EXPECT_EQ(FileError(EROFS, "w").code(), Code::kPermission);
  EXPECT_EQ(FileError(ENAMETOOLONG, "w").code(), Code::kInvalidArgument);
  EXPECT_EQ(FileError(EIO, "w").code(), Code::kUnavailable);
  EXPECT_EQ(FileError(ESTALE, "w").code(), Code::kUnavailable);
  EXPECT_EQ(FileError(ENOENT, "w").code(), Code::kUnavailable) << "never a confirmed absence";
}

TEST(OpenStore, ByUrl) {
  test::MemoryLog log;
  auto open = [&](const std::string& url) { return OpenStore({.url = url}, log); };
  ASSERT_TRUE(open("file:///tmp/somewhere").ok());
  EXPECT_EQ(open("file:///tmp/somewhere").value()->Describe(), "file:///tmp/somewhere");
  for (const char* url : {"", "file://", "file://relative", "file:/x", "/plain/path", "http://host/x", "s3://"})
    EXPECT_EQ(CodeName(open(url).code()), "invalid_argument") << url;
  EXPECT_NE(open("file://relative").status().hint().find("three slashes"), std::string::npos);
}

}  // namespace
}  // namespace pitr

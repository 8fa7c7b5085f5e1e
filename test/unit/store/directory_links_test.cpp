// Below the root of a directory store no symbolic link is followed, whether the kernel looks after that or each
// component is opened by itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/store/directory.h"
#include "unit/store/directory_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

// Makes openat2() fail with `error` in this thread from now on.
bool RefuseOpenat2([[maybe_unused]] int error) {
#ifdef SYS_openat2
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof code / sizeof code[0], code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
         syscall(SYS_openat2, -1, ".", nullptr, size_t{0}) == -1 && errno == error;
#else
  return true;  // nobody calls it
#endif
}

// 0: the kernel's openat2().
class DirectoryLinks : public test::DirectoryFixture<::testing::TestWithParam<int>> {
 protected:
  void SetUp() override {
    outside_ = base_ / "outside";
    fs::create_directories(outside_ / "below");
    std::ofstream(outside_ / "below" / "object") << "not ours";
    store_ = Open();
    ASSERT_TRUE(store_->Create("wal/1/a", AsBytes("x"), {}).ok());
  }

  std::unique_ptr<DirectoryStore> Open() {
    auto store = DirectoryStore::Open(root_, true);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }
  // A filter cannot be taken off again, but it is that of one thread.
  void InThread(const std::function<void()>& test) {
    bool refused = true;
    std::thread([&] {
      refused = GetParam() == 0 || RefuseOpenat2(GetParam());
      if (refused) test();
    }).join();
    if (!refused) GTEST_SKIP() << "no filters of system calls here";
  }
  void ExpectRefused(const Status& status, const std::string& link) {
    EXPECT_EQ(CodeName(status.code()), CodeName(Code::kInvalidArgument)) << status.ToString();
    EXPECT_NE(status.message().find("\"" + (root_ / link).string() + "\" is a symbolic link"), std::string::npos)
        << status.ToString();
    EXPECT_NE(status.detail().find("It leads to \"" + fs::read_symlink(root_ / link).string() + "\""),
              std::string::npos)
        << status.ToString();
    EXPECT_NE(status.hint().find("\"" + root_.string() + "\" itself may be a link"), std::string::npos);
  }
  Status Get(const std::string& key) {
    return store_->Get(key, {}, [](ByteView) { return Status::Ok(); }, {});
  }
  std::vector<std::string> Outside() {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(outside_)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path outside_;
  std::unique_ptr<DirectoryStore> store_;
};

TEST_P(DirectoryLinks, ADirectoryThatIsALink) {
  fs::create_directory_symlink(outside_, root_ / "probe");
  fs::create_directory_symlink(outside_, root_ / "wal" / "2");
  InThread([&] {
    for (const std::string link : {"probe", "wal/2"}) {
      SCOPED_TRACE(link);
      const std::string key = link + "/below/object";
      ExpectRefused(store_->Create(link + "/x", AsBytes("x"), {}), link);
      ExpectRefused(store_->Create(link + "/y/x", AsBytes("x"), {}), link);
      ExpectRefused(store_->Create(key, AsBytes("x"), {}), link);
      ExpectRefused(Get(key), link);
      ExpectRefused(store_->Stat(key, {}).status(), link);
      ExpectRefused(store_->Stat(link, {}).status(), link);
      ExpectRefused(store_->Stat(link + "/absent/object", {}).status(), link);
      ExpectRefused(store_->Delete({key}, {}), link);
      ExpectRefused(store_->Settle({key}, {}), link);
      ExpectRefused(store_->List(link + "/", "", {}).status(), link);
      ExpectRefused(store_->List(link + "/below/", "", {}).status(), link);
      ExpectRefused(store_->List(link.substr(0, link.size() - 1), "", {}).status(), link);
      auto id = store_->BeginUpload(link + "/z", {});
      ASSERT_TRUE(id.ok());
      auto part = store_->PutPart(link + "/z", id.value(), 1, 0, AsBytes("0123"), {});
      ASSERT_TRUE(part.ok());
      ExpectRefused(store_->CompleteUpload(link + "/z", id.value(), {part.value()}, {}), link);
    }
    ExpectRefused(store_->List("", "", {}).status(), "probe");
    EXPECT_TRUE(store_->List("wal/1", "", {}).ok());
  });
  EXPECT_EQ(Outside(), (std::vector<std::string>{"below", "object"}));
}

TEST_P(DirectoryLinks, AnObjectThatIsALink) {
  fs::create_symlink(outside_ / "below" / "object", root_ / "wal" / "1" / "b");
  fs::create_symlink(outside_ / "absent", root_ / "wal" / "1" / "c");
  InThread([&] {
    for (const std::string link : {"wal/1/b", "wal/1/c"}) {
      SCOPED_TRACE(link);
      ExpectRefused(store_->Create(link, AsBytes("x"), {}), link);
      ExpectRefused(Get(link), link);
      ExpectRefused(store_->Stat(link, {}).status(), link);
      ExpectRefused(store_->Settle({link}, {}), link);
      ExpectRefused(store_->List(link, "", {}).status(), link);
    }
    ExpectRefused(store_->List("wal/", "", {}).status(), "wal/1/b");
    ExpectRefused(store_->List("wal/", "wal/1/bb", {}).status(), "wal/1/c");
    EXPECT_EQ(Get("wal/1/a").code(), Code::kOk);
  });
  EXPECT_EQ(Outside(), (std::vector<std::string>{"below", "object"}));
}

TEST_P(DirectoryLinks, LinksThatLeadRoundInCircles) {
  fs::create_directory_symlink(".", root_ / "wal" / "x");
  fs::create_directory_symlink(".", root_ / "wal" / "y");
  InThread([&] { ExpectRefused(store_->List("", "", {}).status(), "wal/x"); });
}

TEST_P(DirectoryLinks, TheTemporaryAreaIsALink) {
  fs::remove_all(root_ / ".tmp~");
  fs::create_directory_symlink(outside_, root_ / ".tmp~");
  InThread([&] {
    ExpectRefused(store_->Create("x", AsBytes("x"), {}), ".tmp~");
    ExpectRefused(store_->BeginUpload("x", {}).status(), ".tmp~");
    ExpectRefused(store_->ListUploads("", {}).status(), ".tmp~");
    ExpectRefused(DirectoryStore::Open(root_, true).status(), ".tmp~");
  });
  EXPECT_EQ(Outside(), (std::vector<std::string>{"below", "object"}));
}

TEST_P(DirectoryLinks, AnUploadThatIsALink) {
  auto id = store_->BeginUpload("x", {});
  ASSERT_TRUE(id.ok());
  const fs::path link = ".tmp~/" + id.value() + "~x~";
  ASSERT_TRUE(fs::remove(root_ / link));
  fs::create_symlink(outside_ / "below" / "object", root_ / link);
  InThread([&] {
    ExpectRefused(store_->PutPart("x", id.value(), 1, 0, AsBytes("theirs"), {}).status(), link);
    ExpectRefused(store_->ListUploads("", {}).status(), link);
  });
  EXPECT_EQ(fs::file_size(outside_ / "below" / "object"), 8u);
}

// Names that no object has are nobody's.
TEST_P(DirectoryLinks, LinksThatAreNoPartOfARepositoryAreLeftOut) {
  fs::create_directory_symlink(outside_, root_ / ".snapshot");
  fs::create_directory_symlink(outside_, root_ / "not a key");
  InThread([&] {
    auto page = store_->List("", "", {});
    ASSERT_TRUE(page.ok()) << page.status().ToString();
    EXPECT_EQ(page.value().objects.size(), 1u);
  });
}

TEST_P(DirectoryLinks, TheRootAndTheWayToItMayBeLinks) {
  fs::create_directory_symlink(base_, base_ / "way");
  fs::create_directory_symlink(root_, base_ / "link");
  root_ = base_ / "way" / "link";
  InThread([&] {
    store_ = Open();
    EXPECT_TRUE(store_->Create("wal/1/b", AsBytes("x"), {}).ok());
    EXPECT_EQ(store_->Create("wal/1/a", AsBytes("x"), {}).code(), Code::kAlreadyExists);
    EXPECT_EQ(store_->List("", "", {}).value().objects.size(), 2u);
    EXPECT_TRUE(store_->Delete({"wal/1/a"}, {}).ok());
  });
  EXPECT_TRUE(fs::exists(base_ / "repo" / "wal" / "1" / "b"));
}

TEST_P(DirectoryLinks, AllElseIsAsEver) {
  fs::create_hard_link(root_ / "wal" / "1" / "a", base_ / "second name");
  ASSERT_EQ(mkfifo((root_ / "wal" / "fifo").c_str(), 0600), 0);
  InThread([&] {
    EXPECT_TRUE(Get("wal/1/a").ok());
    EXPECT_EQ(Get("wal/1/b").code(), Code::kNotFound);
    EXPECT_EQ(Get("wal/1/a/b").code(), Code::kNotFound);
    EXPECT_EQ(Get("wal").code(), Code::kNotFound);
    EXPECT_EQ(Get("wal/fifo").code(), Code::kNotFound) << "without waiting for a writer";
    EXPECT_EQ(store_->Stat("w/1/a", {}).code(), Code::kNotFound);
    EXPECT_EQ(store_->Create("wal/1/a/b", AsBytes("x"), {}).code(), Code::kInvalidArgument);
    EXPECT_EQ(store_->Create("wal/1", AsBytes("x"), {}).code(), Code::kInvalidArgument);
    EXPECT_TRUE(store_->Create("data/b/c/d", AsBytes("x"), {}).ok());
    EXPECT_TRUE(store_->Delete({"data/b/c/d", "wal/1", "wal/1/a/b"}, {}).ok());
    EXPECT_EQ(store_->List("data/b/", "", {}).value().objects.size(), 0u);
    EXPECT_EQ(store_->List("wal/1/a/", "", {}).value().objects.size(), 0u);
  });
  EXPECT_FALSE(fs::exists(root_ / "data"));
}

INSTANTIATE_TEST_SUITE_P(, DirectoryLinks, ::testing::Values(0, ENOSYS, EPERM), [](const auto& info) {
  return info.param == 0 ? "Kernel" : info.param == ENOSYS ? "OldKernel" : "Filter";
});

}  // namespace
}  // namespace pitr

// fsync() of the whole test program, so that tests can see what is synced and let it fail. Links before the C
// library's.
#pragma once
#include <functional>
#include <string>

namespace pitr::test {

// While it lives `hook` is called before each fsync with the path of what is synced; what it returns is the errno that
// fsync fails with, 0 to let it sync. Any thread calls it. One at a time.
class SyncFaults {
 public:
  using Hook = std::function<int(const std::string& path)>;
  explicit SyncFaults(Hook hook);
  ~SyncFaults();
  SyncFaults(const SyncFaults&) = delete;
  SyncFaults& operator=(const SyncFaults&) = delete;
};

}  // namespace pitr::test

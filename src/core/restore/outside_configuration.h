// Debian keeps a server's configuration outside of its data directory, in /etc/postgresql/<version>/<cluster>/; the
// file there names the directory. So a directory that was restored has its own when somebody has made a cluster of it
// (pg_createcluster), whatever the original's was called.
#pragma once
#include <string>

namespace pitr {

struct OutsideConfiguration {
  std::string file;       // empty: none is known
  bool named = false;     // it says that it is of this data directory
  bool existing = false;  // it is on this machine
};

// The file that names `data_directory`: `original`, where the original had its own (it may be empty), else one beside
// it in Debian's way, or in /etc/postgresql. Without one `original`, which need not be on this machine.
OutsideConfiguration FindOutsideConfiguration(const std::string& data_directory, const std::string& original);

}  // namespace pitr

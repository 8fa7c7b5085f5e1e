// How the server of a restored directory is started, so that it opens that directory and no other: a data_directory in
// its configuration wins over -D (SelectConfigFiles() in utils/misc/guc.c), and Debian's names production's.
#pragma once
#include <string>
#include <string_view>

namespace pitr {

inline constexpr std::string_view kConfigFilePath = "postgresql.conf";

struct ServerStart {
  std::string command;  // pg_ctl, for a shell, on one line
  std::string promote;  // the same, for a server that was told to shut down at its target: it opens there
  // The data_directory that the configuration names, where that is another: what any other way to start the server
  // opens. Empty: none, or not known.
  std::string elsewhere;
  std::string configuration;  // the file that was looked at; empty: none is known
  bool inside = false;        // it lies in the data directory
  bool named = false;         // it lies outside, and names the data directory
  bool existing = false;      // it is on this machine
  bool whole = false;         // it and all that it includes could be read
};

// How a server that shuts down at its target is opened there. A sentence, and the command on a line of its own.
std::string DescribeOpening(const ServerStart& start);

// Reads the configuration: postgresql.conf in `data_directory`, which is absolute, or else what
// FindOutsideConfiguration() finds with `outside`, where the original had its own. `as_copy`: the command gives the
// server a port of its own.
ServerStart HowToStart(const std::string& data_directory, const std::string& outside, bool as_copy);

// That there is no postgresql.conf in the restored directory, and what to do: a sentence or more.
std::string DescribeMissingConfiguration(const ServerStart& start, const std::string& data_directory);
// That the configuration names another data directory; empty when it does not.
std::string DescribeElsewhere(const ServerStart& start, const std::string& data_directory);

}  // namespace pitr

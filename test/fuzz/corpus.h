// The inputs that are kept of a target: a text file with one a line. Bytes other than printable ASCII, and those that
// would hurt in a text file, are \xNN; a backslash is \\.
#pragma once
#include <string>
#include <vector>

namespace pitr::fuzz {

std::string EscapeInput(const std::string& input);
// A broken escape stands for itself.
std::string UnescapeInput(const std::string& line);

// Those of corpus/<target>.txt below `directory`; none when there is no such file.
std::vector<std::string> ReadCorpus(const std::string& directory, const std::string& target);
// Sorted, each once.
void WriteCorpus(const std::string& directory, const std::string& target, std::vector<std::string> inputs);

}  // namespace pitr::fuzz

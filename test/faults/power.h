// What a power cut leaves: fault_layer.c tells in a journal what changed below the directories it watches and what was
// synced since; here what was not is taken away again. A file whose bytes were not synced may be empty, or as long as
// it was and nothing but zeroes; a name that was given, taken or made in a directory that was not synced since may not
// have been; of several such changes the later ones go first, as in a journal of a file system, and how many is chance.
// After a sync that failed nothing of the file counts as written, whatever a later sync says. What the journal does not
// speak of is durable.
#pragma once
#include <random>
#include <string>

namespace pitr::faults {

struct PowerCut {
  int files_lost = 0;    // whose bytes went
  int changes_lost = 0;  // of names
};

// `graves`: where fault_layer.c keeps what lost its name. Both it and the journal are empty afterwards.
PowerCut CutPower(const std::string& watched, const std::string& journal, const std::string& graves,
                  std::mt19937_64& random);

}  // namespace pitr::faults

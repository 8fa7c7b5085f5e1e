#include "fuzz/corpus.h"

#include <algorithm>
#include <cstdint>
#include <fstream>

namespace pitr::fuzz {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string PathOf(const std::string& directory, const std::string& target) {
  return directory + "/" + target + ".txt";
}

}  // namespace

std::string EscapeInput(const std::string& input) {
  std::string line;
  for (size_t i = 0; i < input.size(); i++) {
    const char c = input[i];
    const bool edge = i == 0 || i + 1 == input.size();
    if (c == '\\') {
      line += "\\\\";
    } else if (c < ' ' || c > '~' || c == 'X' || (c == ' ' && edge)) {  // X: the house looks for left-over markers
      line += {'\\', 'x', kDigits[static_cast<uint8_t>(c) >> 4], kDigits[static_cast<uint8_t>(c) & 15]};
    } else {
      line += c;
    }
  }
  return line;
}

std::string UnescapeInput(const std::string& line) {
  std::string input;
  for (size_t i = 0; i < line.size(); i++) {
    if (line[i] == '\\' && line.compare(i + 1, 1, "\\") == 0) {
      input += line[i++];
    } else if (line[i] == '\\' && i + 3 < line.size() && line[i + 1] == 'x' && DigitValue(line[i + 2]) >= 0 &&
               DigitValue(line[i + 3]) >= 0) {
      input += static_cast<char>(DigitValue(line[i + 2]) * 16 + DigitValue(line[i + 3]));
      i += 3;
    } else {
      input += line[i];
    }
  }
  return input;
}

std::vector<std::string> ReadCorpus(const std::string& directory, const std::string& target) {
  std::vector<std::string> inputs;
  std::ifstream file(PathOf(directory, target));
  for (std::string line; std::getline(file, line);) inputs.push_back(UnescapeInput(line));
  return inputs;
}

void WriteCorpus(const std::string& directory, const std::string& target, std::vector<std::string> inputs) {
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  std::ofstream file(PathOf(directory, target), std::ios::trunc);
  for (const std::string& input : inputs) file << EscapeInput(input) << "\n";
}

}  // namespace pitr::fuzz

// Sizes, durations, lists and tables as people read them. Pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pitr {

std::string DescribeBytes(uint64_t bytes);     // "512 B", "16.0 MB", "1.1 GB"; powers of 1024, as pg_size_pretty
std::string DescribeSeconds(int64_t seconds);  // "45 s", "3 min 20 s", "2 h 5 min"
std::string DescribeCount(uint64_t count, const char* one, const char* many);  // "1 segment", "12 segments"
std::string DescribeList(const std::vector<std::string>& texts);               // "a, b, c"

// Columns aligned to their widest cell; the first row is the head and is underlined. Each line is indented.
std::string AlignTable(const std::vector<std::vector<std::string>>& rows, int indent);
// "item:   value" lines, values aligned; a value of several lines is indented below itself.
std::string AlignItems(const std::vector<std::pair<std::string, std::string>>& items, int indent);

}  // namespace pitr

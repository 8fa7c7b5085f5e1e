// Sizes, durations and lists as people read them. Pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pitr {

std::string DescribeBytes(uint64_t bytes);     // "512 B", "16.0 MB", "1.1 GB"; powers of 1024, as pg_size_pretty
std::string DescribeSeconds(int64_t seconds);  // "45 s", "3 min 20 s", "2 h 5 min"
std::string DescribeMillis(int64_t millis);    // "0.4 s", "45.2 s", "3 min 20 s"
// "104.2 MB/s"; empty where it took no time, or there was nothing.
std::string DescribeRate(uint64_t bytes, int64_t millis);
std::string DescribeCount(uint64_t count, const char* one, const char* many);  // "1 segment", "12 segments"
std::string DescribeList(const std::vector<std::string>& texts);               // "a, b, c"

}  // namespace pitr

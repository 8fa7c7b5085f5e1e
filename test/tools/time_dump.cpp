// Prints how times are read, one a line of standard input, for comparison with a server: "2026-11-23 13:05:06+00", or
// "refused: " and why. The local zone is that of TZ.
//   pitr_time_dump
#include <cstdio>
#include <iostream>
#include <string>

#include "core/pg/timestamp.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto parsed = pitr::ParseTimestamp(line);
    const pitr::Status status = parsed.ok() ? parsed.value().inexact : parsed.status();
    if (status.ok())
      puts(pitr::FormatTimestamp(parsed.value().micros).c_str());
    else
      printf("refused: %s\n", status.message().c_str());
  }
}

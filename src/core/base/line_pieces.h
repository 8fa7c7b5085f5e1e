// What a line for people may be broken into. Pure.
#pragma once
#include <string>
#include <vector>

namespace pitr {

struct LinePiece {
  std::string text;         // a word, or words that stay together: an option and its value, a quoted argument
  bool in_command = false;  // it goes on with a shell command that was begun before: a line that ends there needs a "\"
};

// Commands are recognised by their program (pg_pitr, pg_ctl, psql, rm, sudo), also amid a sentence, where what looks
// like an argument belongs to them; where the line begins with one and has no remark beside it ("  # why"), all of it.
std::vector<LinePiece> LinePieces(const std::string& line);

}  // namespace pitr

// Texts between core and the server. Core's are UTF-8, or bytes of file names that are most often that; so are those in
// shared memory, which sessions of several databases read. SQL's are in the encoding of the session's database.
// Main thread.
#pragma once
#include <string>

#include "server/pg.h"

namespace pitr::server {

// For SQL and messages; always valid there. A character that the database cannot hold becomes "?", a byte that is no
// UTF-8 "\xe9". Outside of a transaction every character beyond ASCII may become "?" where the encodings differ.
std::string ToServerEncoding(const std::string& text);

// From an argument; raises ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, as PgError, for what cannot be UTF-8. SQL_ASCII says
// nothing about its bytes: they must be UTF-8.
std::string FromServerEncoding(const std::string& text);

// FromServerEncoding for people's eyes: what cannot be read is shown as bytes.
std::string ShowServerText(const std::string& text);

}  // namespace pitr::server

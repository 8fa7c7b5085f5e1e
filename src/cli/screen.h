// What the terminal of a caller is like.
#pragma once
#include <cstddef>
#include <cstdio>

namespace pitr::cli {

// Columns for what goes to `out`: $COLUMNS if that is a number, else what the terminal says, else 80.
size_t ScreenColumns(FILE* out);

bool IsTerminal(FILE* out);

// Whether colours may be used there: a terminal that is not "dumb", and no $NO_COLOR.
bool MayColour(FILE* out);

}  // namespace pitr::cli

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares the table with the system's CaseFolding.txt (Debian's unicode-data), where there is one: foldings
 * never change between versions, so all of an older version's must be there. */

#include <stdio.h>
#include <string.h>

#include "../../../schema/names/fold.h"

#define CASE_FOLDING "/usr/share/unicode/CaseFolding.txt"
#define SKIP 77

int main(void)
{
        unsigned compared = 0, wrong = 0, c, folded;
        char line[512], status;
        FILE *f = fopen(CASE_FOLDING, "re");
        if (!f) {
                (void)fprintf(stderr, "SKIP: no " CASE_FOLDING ", the table is not compared with it\n");
                return SKIP;
        }
        while (fgets(line, sizeof(line), f)) {
                if (sscanf(line, "%x; %c; %x;", &c, &status, &folded) != 3 || !strchr("CS", status))
                        continue;
                compared++;
                if (fold_char(c) == folded)
                        continue;
                wrong++;
                (void)fprintf(stderr, "U+%04X folds to U+%04X, expected U+%04X\n", c, fold_char(c), folded);
        }
        (void)fclose(f);
        printf("%u foldings compared, %u wrong\n", compared, wrong);
        return wrong > 0 || compared < 1000;
}

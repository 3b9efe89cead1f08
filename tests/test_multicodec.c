#include "multiformats/multicodec.h"

#include <string.h>

#include "check.h"

/* multiformats/multicodec table.csv. */
static const struct {
	uint64_t	 code;
	const char	*name;
} table[] = {
	{ 0x00, "identity" }, { 0x12, "sha2-256" }, { 0x55, "raw" },
	{ 0x70, "dag-pb" }, { 0x72, "libp2p-key" },
};

static const char *
published(uint64_t code)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i].name;
	return NULL;
}

static void
names_are_those_of_the_table(void)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_STR(multicodec_name(table[i].code), table[i].name);
}

static void
every_other_code_has_no_name(void)
{
	static const uint64_t large[] = { UINT32_MAX, UINT64_C(1) << 32,
	    (UINT64_C(1) << 32) + 0x12, INT64_MAX,
	    UINT64_C(0xffffffff00000055), UINT64_MAX };
	uint64_t code;
	size_t i;

	for (code = 0; code < 0x20000; code++)
		CHECK((multicodec_name(code) == NULL) ==
		    (published(code) == NULL));
	/* Nor one that looks like ours once it is cut to 32 bits. */
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		CHECK(multicodec_name(large[i]) == NULL);
}

TESTS("multicodec",
	{ "names are those of the table", names_are_those_of_the_table },
	{ "every other code has no name", every_other_code_has_no_name })

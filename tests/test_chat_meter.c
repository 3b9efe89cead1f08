/*
 * What p2p-chat counts by the clock: floods, and messages that are kept; and
 * whom a name means.
 */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "tool.h"

/* In place of the tool's: time stands until a test moves it. */
static double now = 1000;
static unsigned notices, ours;
const char *tool_name = "test";

double
tool_now(void)
{
	return now;
}

int
tool_fail(const char *what, int error, const struct p2p_report *report)
{
	(void)what;
	(void)report;
	return error;
}

void
chat_notice(struct chat *c, const char *format, ...)
{
	(void)c;
	(void)format;
	notices++;
}

void
chat_show_ours(struct chat *c, const struct chat_message *m)
{
	(void)c;
	(void)m;
	ours++;
}

char *
chat_label(const char *peer, const char *nick, char out[CHAT_LABEL_MAX])
{
	snprintf(out, CHAT_LABEL_MAX, "%s~%s", nick, peer + strlen(peer) - 6);
	return out;
}

static unsigned
say_many(struct chat_meter *m, unsigned n, unsigned *firsts)
{
	unsigned shown = 0;
	bool first;

	*firsts = 0;
	for (; n > 0; n--) {
		shown += chat_meter_add(m, now, &first);
		*firsts += first;
	}
	return shown;
}

static void
twenty_in_ten_seconds_are_shown(void)
{
	struct chat_meter m = { 0 };
	unsigned first;

	CHECK_EQ(say_many(&m, 20, &first), 20);
	CHECK_EQ(first, 0);
	now += CHAT_FLOOD_S;
	CHECK_EQ(say_many(&m, 20, &first), 20);
	CHECK_EQ(say_many(&m, 1, &first), 0);
	CHECK_EQ(first, 1);
	CHECK(m.muted);
}

static void
a_flood_is_muted_until_it_has_ended(void)
{
	struct chat_meter m = { 0 };
	unsigned first, i;

	CHECK_EQ(say_many(&m, 100000, &first), 20);
	CHECK_EQ(first, 1);
	CHECK(!chat_meter_over(&m, now));
	for (i = 0; i < 3; i++) {
		now += CHAT_FLOOD_S;
		CHECK(!chat_meter_over(&m, now));
		CHECK_EQ(say_many(&m, 21, &first), 0);
		CHECK_EQ(first, 0);
	}
	now += CHAT_FLOOD_S;
	CHECK(!chat_meter_over(&m, now));
	CHECK_EQ(say_many(&m, 20, &first), 0);
	CHECK_EQ(m.hidden, 100000 - 20 + 63 + 20);
	now += CHAT_FLOOD_S;
	CHECK(chat_meter_over(&m, now));
	CHECK_EQ(say_many(&m, 20, &first), 20);
}

static void
nobody_is_muted_by_time_alone(void)
{
	struct chat_meter m = { 0 };
	unsigned first, i;

	for (i = 0; i < 100; i++, now += 0.51)
		CHECK_EQ(say_many(&m, 1, &first), 1);
	CHECK(!chat_meter_over(&m, now));
}

static const struct chat_front front = { .commands = true };

static void
begin(struct chat *c)
{
	*c = (struct chat){ .mtx = PTHREAD_MUTEX_INITIALIZER,
	    .out = PTHREAD_MUTEX_INITIALIZER, .front = &front,
	    .linger = 10, .patient = true };
	TAILQ_INIT(&c->links);
	TAILQ_INIT(&c->peers);
	TAILQ_INIT(&c->said);
	STAILQ_INIT(&c->kept.items);
	CHECK_FATAL(pipe(c->wake) == 0);
	notices = ours = 0;
}

static void
end(struct chat *c)
{
	chat_drop_kept(c);
	chat_report(c);
	CHECK(TAILQ_EMPTY(&c->said));
	close(c->wake[0]);
	close(c->wake[1]);
}

static void
what_is_kept_is_dropped_after_a_minute(void)
{
	struct chat c;

	begin(&c);
	chat_say(&c, "one", 3, 0);
	CHECK_EQ(notices, 1);		/* it says that it is kept */
	now += 30;
	chat_say(&c, "two", 3, 0);
	CHECK_EQ(notices, 1);
	now += 29.9;
	CHECK_EQ(chat_drop_old(&c, now), 0);
	CHECK(!c.lost);
	now += 0.1;
	CHECK_EQ(chat_drop_old(&c, now), 1);
	CHECK(c.lost);
	CHECK_EQ(c.kept.n, 1);
	now += 30;
	CHECK_EQ(chat_drop_old(&c, now), 1);
	CHECK_EQ(c.kept.n, 0);
	CHECK_EQ(c.kept.bytes, 0);
	chat_report(&c);
	CHECK_EQ(ours, 0);
	end(&c);
}

static void
a_longer_linger_keeps_longer(void)
{
	struct chat c;

	begin(&c);
	c.linger = 100;
	chat_say(&c, "one", 3, 0);
	now += 99;
	CHECK_EQ(chat_drop_old(&c, now), 0);
	now += 1;
	CHECK_EQ(chat_drop_old(&c, now), 1);
	end(&c);
}

static void
no_more_is_kept_than_a_queue_holds(void)
{
	struct chat c;
	unsigned i;

	begin(&c);
	for (i = 0; i < CHAT_QUEUE_MESSAGES; i++)
		chat_say(&c, "x", 1, 0);
	CHECK(!c.lost);
	CHECK(chat_is_full(&c));
	chat_say(&c, "x", 1, 0);
	CHECK(c.lost);
	CHECK_EQ(c.kept.n, CHAT_QUEUE_MESSAGES);
	end(&c);
}

/* Whom it means, from 0; -1: nobody, or more than one. */
static int
meant(struct chat *c, struct chat_peer *const *p, const char *word)
{
	struct chat_peer out;

	if (!chat_peer_named(c, word, &out))
		return -1;
	return p2p_peer_id_equal(&out.id, &p[0]->id) ? 0 : 1;
}

/* The second is here, the first has gone. */
static void
a_name_is_not_taken_by_who_is_here(void)
{
	static const char *const ids[] = {
	    "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
	    "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N" };
	struct chat_peer *p[2];
	struct p2p_peer_id id;
	struct chat c;
	int i;

	begin(&c);
	for (i = 0; i < 2; i++) {
		CHECK_OK(p2p_peer_id_parse(ids[i], &id));
		CHECK_FATAL((p[i] = chat_peer_get(&c, &id)) != NULL);
	}
	p[1]->links = 1;
	CHECK_EQ(meant(&c, p, "hx5N"), 1);
	CHECK_EQ(meant(&c, p, "U5SA"), 0);
	CHECK(chat_peer_is_id(&c, &p[0]->id, "hx5N"));
	CHECK(chat_peer_is_id(&c, &p[0]->id, ids[1]));
	CHECK(!chat_peer_is_id(&c, &p[0]->id, "U5SA"));
	CHECK(!chat_peer_is_id(&c, &p[0]->id, "x5N"));
	/* It was given before that peer came. */
	strcpy(p[0]->nick, "hx5N");
	CHECK_EQ(meant(&c, p, "hx5N"), 0);
	CHECK_EQ(meant(&c, p, ids[1]), 1);
	strcpy(p[1]->nick, "hx5N");
	CHECK_EQ(meant(&c, p, "hx5N"), 1);
	/* Two that end alike. */
	p[0]->nick[0] = p[1]->nick[0] = '\0';
	strcpy(p[0]->name, p[1]->name);
	CHECK_EQ(meant(&c, p, "hx5N"), -1);
	free(p[0]);
	free(p[1]);
	end(&c);
}

TESTS("chat_meter",
    { "twenty messages in ten seconds are shown",
      twenty_in_ten_seconds_are_shown },
    { "a flood is muted until it has ended",
      a_flood_is_muted_until_it_has_ended },
    { "nobody is muted by time alone", nobody_is_muted_by_time_alone },
    { "what is kept is dropped after a minute",
      what_is_kept_is_dropped_after_a_minute },
    { "a longer --linger keeps it longer", a_longer_linger_keeps_longer },
    { "no more is kept than a queue holds",
      no_more_is_kept_than_a_queue_holds },
    { "a name is not taken by who is here",
      a_name_is_not_taken_by_who_is_here })

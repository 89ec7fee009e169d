// franz-go: see ../README.md. Usage: franz-go BOOTSTRAP
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	topic      = "interop-franz-go"
	group      = "group-franz-go"
	count      = 20_000
	partitions = 4
)

var boot string

type seen struct {
	key       string
	number    int
	partition int32
	offset    int64
}

func report(step string, values ...any) {
	text := "CHECK " + step
	for at := 0; at < len(values); at += 2 {
		text += fmt.Sprintf(" %v=%v", values[at], values[at+1])
	}
	fmt.Println(text)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func client(options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(boot)}, options...)...)
	must(err)
	return made
}

func produce(first, records int, codec kgo.CompressionCodec) {
	producer := client(kgo.ProducerBatchCompression(codec))
	defer producer.Close()
	for number := first; number < first+records; number++ {
		record := &kgo.Record{Topic: topic, Key: []byte("k" + strconv.Itoa(number%100)), Value: []byte("v" + strconv.Itoa(number))}
		producer.Produce(context.Background(), record, func(_ *kgo.Record, err error) { must(err) })
	}
	must(producer.Flush(context.Background()))
}

func member(name string) *kgo.Client {
	return client(kgo.ConsumerGroup(name), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(500*time.Millisecond))
}

func take(from *kgo.Client, all *[]seen) int {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	taken := 0
	from.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
		number, err := strconv.Atoi(string(record.Value[1:]))
		must(err)
		*all = append(*all, seen{string(record.Key), number, record.Partition, record.Offset})
		taken++
	})
	return taken
}

func distinct(all []seen) int {
	numbers := map[int]bool{}
	for _, one := range all {
		numbers[one.number] = true
	}
	return len(numbers)
}

func drain(from *kgo.Client, all *[]seen, wanted int) {
	end := time.Now().Add(90 * time.Second)
	for distinct(*all) < wanted {
		if time.Now().After(end) {
			must(fmt.Errorf("%d of %d records", distinct(*all), wanted))
		}
		take(from, all)
	}
}

func inOrder(all []seen) bool {
	last, at := map[string]int{}, map[int32]int64{}
	for _, one := range all {
		if number, there := last[one.key]; there && number >= one.number {
			return false
		}
		if offset, there := at[one.partition]; there && offset >= one.offset {
			return false
		}
		last[one.key], at[one.partition] = one.number, one.offset
	}
	return true
}

func committed(admin *kadm.Client) int64 {
	total := int64(0)
	offsets, err := admin.FetchOffsets(context.Background(), group)
	must(err)
	offsets.Each(func(offset kadm.OffsetResponse) { total += offset.At })
	return total
}

func main() {
	boot = os.Args[1]
	ctx := context.Background()
	input := bufio.NewReader(os.Stdin)
	admin := kadm.NewClient(client())
	_, err := admin.CreateTopic(ctx, partitions, 1, nil, topic)
	must(err)
	described, err := admin.ListTopics(ctx, topic)
	must(err)
	report("create", "partitions", len(described[topic].Partitions))

	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	share := count / len(codecs)
	var start int64
	for at, codec := range codecs {
		if at == 3 {
			time.Sleep(50 * time.Millisecond)
			start = time.Now().UnixMilli()
		}
		produce(at*share, share, codec)
	}
	report("produce", "records", count, "codecs", len(codecs))

	alone := member(group + "-order")
	ordered := []seen{}
	drain(alone, &ordered, count)
	alone.Close()
	report("order", "records", len(ordered), "in_order", inOrder(ordered))

	// Two members, until both have their share; then one leaves and the other takes over.
	one, two := member(group), member(group)
	all := []seen{}
	end := time.Now().Add(60 * time.Second)
	for {
		take(one, &all)
		take(two, &all)
		groups, err := admin.DescribeGroups(ctx, group)
		must(err)
		described := groups[group]
		sizes := []int{}
		for _, member := range described.Members {
			if assigned, ok := member.Assigned.AsConsumer(); ok {
				size := 0
				for _, topic := range assigned.Topics {
					size += len(topic.Partitions)
				}
				sizes = append(sizes, size)
			}
		}
		if described.State == "Stable" && len(sizes) == 2 && sizes[0] == 2 && sizes[1] == 2 {
			report("share", "partitions", sizes)
			break
		}
		if time.Now().After(end) {
			must(fmt.Errorf("members have %v", sizes))
		}
	}
	must(one.CommitUncommittedOffsets(ctx))
	must(two.CommitUncommittedOffsets(ctx))
	one.Close()
	end = time.Now().Add(90 * time.Second)
	for committed(admin) < count {
		if time.Now().After(end) {
			must(fmt.Errorf("%d committed", committed(admin)))
		}
		take(two, &all)
		must(two.CommitUncommittedOffsets(ctx))
	}
	report("read", "distinct", distinct(all))
	report("commit", "total", committed(admin))
	two.Close()

	fmt.Println("RESTART")
	_, err = input.ReadString('\n')
	must(err)

	again := member(group)
	early := []seen{}
	for until := time.Now().Add(8 * time.Second); time.Now().Before(until); {
		take(again, &early)
	}
	report("continue", "again", len(early))
	produce(count, 100, kgo.ZstdCompression())
	fresh := []seen{}
	drain(again, &fresh, 100)
	isNew := true
	for _, one := range fresh {
		isNew = isNew && one.number >= count
	}
	report("new", "records", isNew)
	must(again.CommitUncommittedOffsets(ctx))
	again.Close()

	listed, err := admin.ListOffsetsAfterMilli(ctx, start, topic)
	must(err)
	places := map[string]map[int32]kgo.Offset{topic: {}}
	listed.Each(func(offset kadm.ListedOffset) { places[topic][offset.Partition] = kgo.NewOffset().At(offset.Offset) })
	seeker := client(kgo.ConsumePartitions(places))
	later := []seen{}
	drain(seeker, &later, 2*share+100)
	seeker.Close()
	notBefore := true
	for _, one := range later {
		notBefore = notBefore && one.number >= 3*share
	}
	report("seek", "records", len(later), "not_before", notBefore)

	topics, err := admin.ListTopics(ctx)
	must(err)
	groups, err := admin.ListGroups(ctx)
	must(err)
	_, hasGroup := groups[group]
	report("list", "topic", topics.Has(topic), "group", hasGroup)
	final, err := admin.DescribeGroups(ctx, group)
	must(err)
	report("describe", "members", len(final[group].Members), "state", final[group].State)
	_, err = admin.DeleteGroups(ctx, group)
	must(err)
	_, err = admin.DeleteTopics(ctx, topic)
	must(err)
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		topics, err = admin.ListTopics(ctx)
		must(err)
		if !topics.Has(topic) {
			break
		}
	}
	report("delete", "topic", topics.Has(topic))
}

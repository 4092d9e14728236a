// What the pages ask, under keys that live changes are mapped to (live/topics.ts).

import { infiniteQueryOptions, keepPreviousData, queryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { get, offline } from "./client";
import {
  skillDaily,
  skillList,
  skillMisses,
  skillObservations,
  skillReport,
  statusSummary,
} from "./types.gen";

const V3 = "/api/v3";
const MOST_SKILLS = 500;
const PAGE = 50;
const FEW_MISSES = 8;

/** Windows of time a page can show; "all" has no beginning. */
export const WINDOWS = ["7d", "30d", "90d", "all"] as const;
export type Window = (typeof WINDOWS)[number];

const since = (window: Window): string | null => (window === "all" ? null : window);

export const summaryQuery = () =>
  queryOptions({
    queryKey: ["summary"],
    queryFn: ({ signal }) => get(statusSummary, `${V3}/summary`, {}, signal),
  });

export const skillsQuery = () =>
  infiniteQueryOptions({
    queryKey: ["skills"],
    queryFn: ({ signal, pageParam }) =>
      get(skillList, `${V3}/skills`, { limit: MOST_SKILLS, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });

/** Every skill: the first ones at once, the others page by page behind them, for
 *  filters, sorting and search look at all. */
export function useSkills() {
  const query = useInfiniteQuery(skillsQuery());
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  return { query, rows, total: query.data?.pages.at(-1)?.total ?? 0 };
}

export const skillQuery = (id: number, window: Window) =>
  queryOptions({
    queryKey: ["skill", id, "report", window],
    queryFn: ({ signal }) => get(skillReport, `${V3}/skills/${id}`, { since: since(window) }, signal),
    placeholderData: keepPreviousData,
  });

export const dailyQuery = (id: number, window: Window) =>
  queryOptions({
    queryKey: ["skill", id, "daily", window],
    queryFn: ({ signal }) =>
      get(skillDaily, `${V3}/skills/${id}/daily`, { from: since(window) ?? "36500d" }, signal),
    placeholderData: keepPreviousData,
  });

/** The chart is a file of its own: the first page does not need it. Asked like data,
 *  so that a server that was away can be tried again. */
export const chartQuery = () =>
  queryOptions({
    queryKey: ["chart"],
    queryFn: () => import("../ui/daily_chart").catch(() => Promise.reject(offline())),
    staleTime: Infinity,
    gcTime: Infinity,
  });

export const missesQuery = (id: number, window: Window) =>
  infiniteQueryOptions({
    queryKey: ["skill", id, "misses", window],
    queryFn: ({ signal, pageParam }) =>
      get(skillMisses, `${V3}/skills/${id}/misses`,
        { since: since(window), limit: pageParam ? PAGE : FEW_MISSES, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
  });

export interface EvidenceFilter {
  outcome: string;
  mode: string;
  platform: string;
  q: string;
}

export const evidenceQuery = (id: number, window: Window, filter: EvidenceFilter) =>
  infiniteQueryOptions({
    queryKey: ["skill", id, "observations", window, filter],
    queryFn: ({ signal, pageParam }) =>
      get(skillObservations, `${V3}/skills/${id}/observations`,
        { ...filter, since: since(window), limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
  });

// What the pages ask, under keys that live changes are mapped to (live/topics.ts).

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { get } from "./client";
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
  queryOptions({
    queryKey: ["skills"],
    queryFn: ({ signal }) => get(skillList, `${V3}/skills`, { limit: MOST_SKILLS }, signal),
  });

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

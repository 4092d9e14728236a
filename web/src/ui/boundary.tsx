// A page that fails says so, and the frame around it stays.

import { Component, type ReactNode } from "react";

import { Problem } from "./states";

interface Props {
  /** Another page is another try. */
  page: string;
  children: ReactNode;
}
interface State {
  error: unknown;
  page: string;
}

export class Boundary extends Component<Props, State> {
  override state: State = { error: null, page: this.props.page };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.page === state.page ? null : { error: null, page: props.page };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <Problem page error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}

'use client';
import { PageFailure } from '../ui/page-failure.tsx';

export default PageFailure;
